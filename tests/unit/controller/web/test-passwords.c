/* The file of --basic-auth. The hashes are as htpasswd and mkpasswd made them, of "geheim". */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/web/passwords.h"

#define YESCRYPT "$y$j75$ohKyvkalPZLnO9M9uh0EA0$pVR32em.gOC9wuVK7GzLPr/tfBDvF8CHjCKs2KGIVg9"
#define BCRYPT   "$2b$05$vnkkO5xTHkhYnqnyp7Lqm.Dk7TvXFVWPp1bfu/rt1P3d3K3rAdndK"
#define OF_HTTPD "$2y$06$8hELjUVt5ebG6QiJDzJkcegmoP3mTw2a0XxIyTf00IEZw8fTK5awq"
#define SHA_256  "$5$DWaLKlqY0fDjdF5t$EyYU7t6KSNlQc27/TcpyZkJgVheufBokogvP/cpVShC"
#define SHA_512_OF                                                                                 \
    "je$.LwSoKERoNUJtjqHmx3uIV6ML9v7eW.5ACMODzlbHtsWGPvS15vhJ5xqQ6rBDeoG9srRpAYEY3Ys8V9zX/omk0"
#define SHA_512 "$6$PCAroqndp00gkR" SHA_512_OF

static struct error error;

static struct passwords *parse(const char *text)
{
    struct passwords *passwords = NULL;

    error = (struct error){""};
    if (passwords_parse(text, &passwords, &error) < 0)
        fail_msg("%s", error.text);
    return passwords;
}

static void refused(const char *text, const char *words)
{
    struct passwords *passwords;

    error = (struct error){""};
    assert_int_equal(passwords_parse(text, &passwords, &error), -EINVAL);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void test_each_kind(void **state)
{
    struct passwords *passwords = parse("# who may look\n\nye:" YESCRYPT "\nbc:" BCRYPT
                                        "\r\n  ht:" OF_HTTPD "\ns2:" SHA_256 "\ns5:" SHA_512);
    static const char *const names[] = {"ye", "bc", "ht", "s2", "s5"};

    assert_int_equal(passwords_count(passwords), 5);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_true(passwords_verify(passwords, names[i], "geheim"));
        assert_false(passwords_verify(passwords, names[i], "geheim "));
        assert_false(passwords_verify(passwords, names[i], ""));
    }
    assert_false(passwords_verify(passwords, "nobody", "geheim"));
    assert_false(passwords_verify(passwords, "", "geheim"));
    assert_false(passwords_verify(passwords, "ye:", "geheim"));
    passwords_release(passwords_hold(passwords));
    assert_true(passwords_verify(passwords, "bc", "geheim"));
    passwords_release(passwords);
    passwords_release(NULL);
}

static void test_weak_ones(void **state)
{
    refused("a:geheim", "is none of yescrypt");
    refused("a:$1$QC/n.Wml$GQi48Ame5ncy5PO5DJVWo0", "is none of yescrypt");
    refused("a:$apr1$abcdefgh$abcdefghijklmnopqrstuv", "is none of yescrypt");
    refused("a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "is none of yescrypt");
    refused("a:", "is none of yescrypt");
}

static void test_dear_ones(void **state)
{
    refused("a:$y$jCT$cljdgFLrGiRwrJnY5jjKz/$.ccvF09VEpNfgvNBA5uEZMJVe1orVLDmbWWO.qoewg2", "costs");
    refused("a:$2b$15$vnkkO5xTHkhYnqnyp7Lqm.Dk7TvXFVWPp1bfu/rt1P3d3K3rAdndK", "costs");
    refused("a:$2b$31$vnkkO5xTHkhYnqnyp7Lqm.Dk7TvXFVWPp1bfu/rt1P3d3K3rAdndK", "costs");
    refused("a:$6$rounds=1000001$k" SHA_512_OF, "costs");
    refused("a:$6$rounds=99999999999999999999$k" SHA_512_OF, "costs");
    passwords_release(
        parse("a:$y$jBT$onxY.wX8yHiNrgqPdTw./1$cRMIxBuQiOpRypmp7baWPFRaUEpQATdeBWeJiw0NaD."));
}

static void test_bad_lines(void **state)
{
    char name[PASSWORDS_NAME_MAX + 100];

    refused("", "nobody could log in");
    refused("# nobody\n\n", "nobody could log in");
    refused("a:" BCRYPT "\nword\n", "line 2: is not NAME:HASH");
    refused(":" BCRYPT, "has no name");
    refused("a\xff:" BCRYPT, "has no name");
    refused("a:" BCRYPT "\na:" YESCRYPT, "line 2: names \"a\" a second time");
    refused("a:$2b$05$vnkkO5xTHkhYnqnyp7Lqm.", "is not whole");
    refused("a:$2b$05$", "is not whole");
    refused("a:$6$", "is not whole");
    memset(name, 'n', sizeof(name));
    snprintf(name + PASSWORDS_NAME_MAX + 1, 80, ":%s", BCRYPT);
    refused(name, "has no name");
    passwords_release(parse(name + 1));
}

static void test_how_many(void **state)
{
    static char text[(PASSWORDS_MAX + 1) * 80];
    size_t length = 0;

    for (unsigned i = 0; i < PASSWORDS_MAX; i++)
        length += (size_t)snprintf(text + length, 80, "n%u:" BCRYPT "\n", i);
    passwords_release(parse(text));
    snprintf(text + length, 80, "last:" BCRYPT "\n");
    refused(text, "more than 1024");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind), cmocka_unit_test(test_weak_ones),
        cmocka_unit_test(test_dear_ones), cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_how_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
