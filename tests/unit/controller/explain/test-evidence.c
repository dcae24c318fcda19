/* The evidence of reasons: what the table of reasons says of it, and what they show. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/explain/view.h"
#include "tests/unit/controller/explain/provocations.h"

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; at != NULL && (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

static const char *evidence_of(const char *code)
{
    const char *known;

    for (size_t i = 0; (known = explain_reason_code(i)) != NULL; i++)
        if (strcmp(known, code) == 0)
            return explain_reason_evidence(i);
    return NULL;
}

static bool has_meaning(const char *name)
{
    const char *known;

    for (size_t i = 0; (known = explain_evidence_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return explain_evidence_meaning(i)[0] != '\0';
    return false;
}

static void check_evidence(const struct finding *finding)
{
    for (size_t i = 0; i < finding->evidence_count; i++) {
        if (!has_word(evidence_of(finding->code), finding->evidence[i].name))
            fail_msg("%s: the row lacks %s", finding->code, finding->evidence[i].name);
        if (!has_meaning(finding->evidence[i].name))
            fail_msg("%s has no meaning", finding->evidence[i].name);
    }
}

/* The manual says what a finding's evidence can be, of what the rows say. */
static void test_the_rows_have_the_evidence(void **state)
{
    struct explanation explanation;
    struct finding finding;
    struct made made;

    for (const struct provocation *p = provocations; p->code != NULL; p++) {
        make_healthy(&made);
        p->change(&made);
        assert_true(explain_action(&made.subject, &finding));
        check_evidence(&finding);
        explain_vm(&made.subject, &explanation);
        if (p->of_vm)
            check_evidence(find(&explanation, p->code));
    }
    for (const struct provocation *p = vm_provocations; p->code != NULL; p++) {
        make_healthy(&made);
        p->change(&made);
        explain_vm(&made.subject, &explanation);
        check_evidence(find(&explanation, p->code));
    }
}

/* What one row says means something, and what means something is said by a row. */
static void test_every_name_of_evidence_has_a_use(void **state)
{
    const char *name;
    const char *code;

    for (size_t i = 0; (name = explain_evidence_name(i)) != NULL; i++) {
        bool is_used = false;

        for (size_t j = 0; (code = explain_reason_code(j)) != NULL; j++)
            is_used = is_used || has_word(explain_reason_evidence(j), name);
        if (!is_used)
            fail_msg("no reason has %s", name);
    }
    for (size_t i = 0; (code = explain_reason_code(i)) != NULL; i++) {
        char words[256];

        assert_true(explain_reason_cure(i)[0] != '\0');
        snprintf(words, sizeof(words), "%s",
                 explain_reason_evidence(i) == NULL ? "" : explain_reason_evidence(i));
        for (char *rest = words, *word; (word = strsep(&rest, " ")) != NULL;)
            assert_true(word[0] == '\0' || has_meaning(word));
    }
}

static void test_reason_shows_its_evidence(void **state)
{
    struct made made;
    struct finding finding;

    make_healthy(&made);
    khugepaged(&made);
    assert_true(explain_action(&made.subject, &finding));
    assert_string_equal(finding.evidence[0].name, "remainder");
    assert_int_equal(finding.evidence[0].value, GIB);
    assert_string_equal(finding.evidence[0].unit, "bytes");
    assert_string_equal(finding.command, "vmreclaim reporting web1 --order 9");
    assert_string_equal(finding.sentence,
                        "1.0 GiB was returned in pieces smaller than a huge page, and the host's "
                        "khugepaged filled the holes again. A reporting order of 9 avoids it.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reason_shows_its_evidence),
        cmocka_unit_test(test_the_rows_have_the_evidence),
        cmocka_unit_test(test_every_name_of_evidence_has_a_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
