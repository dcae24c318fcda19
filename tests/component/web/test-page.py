#!/usr/bin/python3
"""The page's files, without a browser: what is served, and what may not be in them.

usage: test-page.py VMRECLAIM_WEB API_SERVER VMRECLAIM VMRECLAIMD FOLDER_OF_THE_PAGE
"""
import gzip
import os
import re
import sys
import unittest

from web import Web, WebTestCase

FOLDER = sys.argv[5]
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def read(name):
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


class PageTest(WebTestCase):
    def test_every_file_is_served_as_it_is(self):
        for name in os.listdir(FOLDER):
            response = self.get("/" + name)
            self.assertEqual(response.status, 200, name)
            self.assertEqual(response.headers["Content-Type"], TYPES[os.path.splitext(name)[1]])
            self.assertEqual(response.body, read(name))
            packed = self.get("/" + name, {"Accept-Encoding": "gzip"})
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), read(name))
        self.assertEqual(self.get("/").body, read("index.html"))
        self.assertEqual(self.get("/../web.c").status, 404)

    def test_who_has_it_is_told_so(self):
        tag = self.get("/page.css").headers["ETag"]
        response = self.get("/page.css", {"If-None-Match": tag})
        self.assertEqual((response.status, response.body), (304, b""))
        self.assertEqual(self.get("/page.css", {"If-None-Match": '"other"'}).status, 200)

    def test_a_link_leads_to_it(self):
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        self.assertEqual(self.get("/", link).status, 200)
        self.assertEqual(self.get("/api/vms", link).status, 403)

    def test_nothing_from_elsewhere_and_nothing_inline(self):
        for name in os.listdir(FOLDER):
            text = read(name).decode("utf-8")
            for address in re.findall(r"\w+://[^\s\"'`<>]+", text):
                self.assertEqual(address, "http://www.w3.org/2000/svg", name)
            self.assertNotRegex(text, r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(",
                                name)
        html = read("index.html").decode("utf-8")
        self.assertNotRegex(html, r"<style|style=|<script(?![^>]*src)|\son\w+=")
        for reference in re.findall(r"(?:src|href)=\"([^#\"]+)\"", html):
            self.assertTrue(os.path.exists(os.path.join(FOLDER, reference)), reference)

    def test_modules_import_what_there_is(self):
        for name in os.listdir(FOLDER):
            if not name.endswith(".js"):
                continue
            for names, module in re.findall(r"import \{ ([^}]+) \} from \"\./([^\"]+)\"",
                                            read(name).decode("utf-8")):
                there = self.get("/" + module).body.decode("utf-8")
                for word in names.split(", "):
                    self.assertRegex(there, rf"export (?:async )?(?:function|const) {word}\b",
                                     f"{name} imports {word} of {module}")

    def test_the_page_is_there_without_a_daemon(self):
        web = Web("unix:" + self.path("nobody.sock"))
        self.assertEqual(self.get("/", web=web).status, 200)
        self.assertEqual(self.get("/api/host", web=web).status, 503)
        self.assertEqual(web.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
