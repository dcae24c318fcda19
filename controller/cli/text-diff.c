/* Longest common subsequence of lines, by the table; policies are short. */
#include "controller/cli/text-diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"

enum { LINES_MAX = 4096 };

struct line {
    const char *text;
    int length;
};

/* Cuts a text into lines. Returns their number; -EFBIG. */
static int split(const char *text, struct line *lines)
{
    int count = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (count == LINES_MAX)
            return -EFBIG;
        lines[count++] = (struct line){text, (int)length};
        text += length;
        if (*text == '\n')
            text++;
    }
    return count;
}

static bool same(const struct line *a, const struct line *b)
{
    return a->length == b->length && memcmp(a->text, b->text, (size_t)a->length) == 0;
}

/* common[i][j]: lines in common of old[i..] and new[j..]. */
static void fill(uint16_t *common, const struct line *old_lines, int old_count,
                 const struct line *new_lines, int new_count)
{
    int width = new_count + 1;

    for (int i = old_count - 1; i >= 0; i--)
        for (int j = new_count - 1; j >= 0; j--) {
            uint16_t *here = &common[i * width + j];
            if (same(&old_lines[i], &new_lines[j]))
                *here = (uint16_t)(common[(i + 1) * width + j + 1] + 1);
            else
                *here = (uint16_t)max_of(common[(i + 1) * width + j], common[i * width + j + 1]);
        }
}

int text_diff(const char *old_text, const char *new_text, text_diff_line line, void *userdata)
{
    cleanup_free struct line *lines = calloc(2 * (size_t)LINES_MAX, sizeof(*lines));
    if (lines == NULL)
        return -ENOMEM;
    struct line *new_lines = lines + LINES_MAX;
    int old_count = split(old_text, lines);
    int new_count = split(new_text, new_lines);
    if (old_count < 0 || new_count < 0)
        return -EFBIG;
    cleanup_free uint16_t *common =
        calloc((size_t)(old_count + 1) * (size_t)(new_count + 1), sizeof(*common));
    if (common == NULL)
        return -ENOMEM;
    fill(common, lines, old_count, new_lines, new_count);

    int width = new_count + 1;
    for (int i = 0, j = 0; i < old_count || j < new_count;) {
        if (i < old_count && j < new_count && same(&lines[i], &new_lines[j])) {
            line(' ', lines[i].text, lines[i].length, userdata);
            i++;
            j++;
        } else if (j == new_count ||
                   (i < old_count && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
            line('-', lines[i].text, lines[i].length, userdata);
            i++;
        } else {
            line('+', new_lines[j].text, new_lines[j].length, userdata);
            j++;
        }
    }
    return 0;
}
