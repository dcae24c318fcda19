#!/usr/bin/python3
"""Every view of the page in a real browser, over the command line's API server.

usage: test-views.py VMRECLAIM_WEB API_SERVER FOLDER_OF_WEB_PY
"""
import sys
import unittest

sys.path.insert(0, sys.argv[3])
# pylint: disable=wrong-import-position
from browser import PROGRAM, Browser, Page
from web import ApiServer, Web, WebTestCase

# Views, and a text that is there when all was read.
VIEWS = {"#/": "Where most could come back", "#/vms": "of 3 VMs", "#/vm/web1": "Policy in force",
         "#/actions": "compact", "#/policies": "Who has which", "#/policies/idle": "Its revisions",
         "#/nothing": "There is nothing here"}


@unittest.skipIf(PROGRAM is None, "no chromium: deploy/install-deps all installs it")
class ViewsTest(WebTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.stop()
        super().tearDownClass()

    def address(self, view, web=None):
        host, port = (web or self.web).address
        return f"http://{host}:{port}/{view}"

    def show(self, page, view, web=None):
        page.open(self.address(view, web))
        page.wait_for(f"document.body.innerText.includes({VIEWS[view]!r})")

    def test_every_view_in_every_form(self):
        for scheme, width in [("dark", 1280), ("light", 1280), ("dark", 360), ("light", 360)]:
            for view in VIEWS:
                with self.subTest(view=view, scheme=scheme, width=width):
                    page = Page(self.browser, width, scheme)
                    self.show(page, view)
                    # the server with the script has no revisions of the VM's policy
                    self.assertEqual([one for one in page.complaints()
                                      if "policy-history" not in str(one)], [])
                    self.assertTrue(page.evaluate(
                        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
                    text = page.evaluate("document.body.innerText")
                    for word in ["undefined", "NaN", "[object", "null"]:
                        self.assertNotIn(word, text)
                    self.assertEqual(page.evaluate("""
                        [...document.querySelectorAll("svg[role=img], [role=region], nav")]
                            .filter((one) => !one.getAttribute("aria-label")).length
                        + [...document.querySelectorAll("button, a")]
                            .filter((one) => one.textContent.trim() === "").length
                        + [...document.querySelectorAll("input")]
                            .filter((one) => one.labels.length === 0).length"""), 0)
                    page.close()

    def test_dark_and_light_differ(self):
        colors = []
        for scheme in ["dark", "light"]:
            page = Page(self.browser, scheme=scheme)
            self.show(page, "#/")
            colors.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            page.close()
        self.assertEqual(colors, ["rgb(22, 24, 29)", "rgb(255, 255, 255)"])

    def test_the_chart_is_read_out(self):
        page = Page(self.browser)
        self.show(page, "#/vm/web1")
        page.evaluate("document.querySelector('svg.chart').focus()")
        page.press("Home")
        page.wait_for("document.querySelector('.readout').textContent.includes('in use 412 MiB')")
        page.press("End")
        page.wait_for("document.querySelector('.readout').textContent.includes('not known')")
        page.close()

    def test_commands_are_shown_and_copied(self):
        page = Page(self.browser)
        self.show(page, "#/vm/web1")
        page.wait_for("document.body.innerText.includes('vmreclaim reclaim web1')")
        page.evaluate("document.querySelector('.command button').click()")
        page.wait_for("/Copied|Selected/.test(document.querySelector('.command button').textContent)")
        page.close()

    def test_lists_are_sorted_and_filtered(self):
        page = Page(self.browser)
        self.show(page, "#/vms")
        first = "document.querySelector('tbody th').textContent"
        page.evaluate("document.querySelector('thead button').click()")
        page.wait_for(f"{first} === 'alone'")
        page.evaluate("document.querySelector('thead button').click()")
        page.wait_for(f"{first} === 'web2'")
        page.evaluate("""(() => { const filter = document.getElementById("filter");
            filter.value = "web1"; filter.dispatchEvent(new Event("input")); })()""")
        page.wait_for("document.querySelectorAll('tbody tr').length === 1")
        self.assertIn("filter=web1", page.evaluate("location.hash"))
        page.close()

    def test_hostile_names_are_text(self):
        page = Page(self.browser)
        page.open(self.address("#/vm/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"))
        page.wait_for("document.querySelector('h2')?.textContent.includes('<img src=x')")
        self.assertEqual(page.evaluate("document.querySelectorAll('main img').length"), 0)
        page.close()

    def test_the_daemon_comes_and_goes(self):
        api = "unix:" + self.path("restarted.sock")
        server = ApiServer(api)
        web = Web(api)
        page = Page(self.browser)
        state = "document.getElementById('state').textContent"
        self.show(page, "#/", web)
        page.wait_for(f"{state} === 'live'")
        server.stop()
        page.wait_for(f"{state} === 'vmreclaimd is away'")
        server = ApiServer(api)
        page.wait_for(f"{state} === 'live'")
        self.assertEqual(web.stop(), 0)
        page.wait_for(f"{state} === 'vmreclaim-web is away'")
        page.close()
        server.stop()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
