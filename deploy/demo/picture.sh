# shellcheck shell=bash
# shellcheck disable=SC2154 # $lab_run and the guests come from lib.sh
# The demo on a terminal: below what was said so far, a bar for each guest, drawn over and over. One
# process draws and says everything, so that nothing is drawn over a line. Elsewhere lines are said
# and nothing is drawn. Sourced after tests/lab/lib.sh.
#
#     one  ██████████████▒▒▒▒▒▒▒▒▒▒▒▒······   2,041 of 4,096 MiB
#     two  ████████▒▒▒▒▒▒▒▒▒·················     310 of 1,024 MiB
#          █ the host holds it   ▒ given back   · never held
picture_pid=''

# say WORDS...: a line that stays.
say() {
    if [[ -n $picture_pid ]]; then
        printf 'say %s\n' "$*" >&"$picture_input"
    else
        echo "$*"
    fi
}

picture_caption() { # WORDS
    printf 'now %s\n' "$*" >&"$picture_input"
}

# picture_begin NAME MEMORY-MIB [NAME MEMORY-MIB...]: on a terminal of some width.
picture_begin() {
    [[ -n $LAB_TERMINAL && $COLUMNS -ge 60 ]] || return 0
    mkfifo "$lab_run/picture"
    picture_draw "$@" <"$lab_run/picture" &
    picture_pid=$!
    exec {picture_input}>"$lab_run/picture"
}

picture_end() {
    [[ -n $picture_pid ]] || return 0
    exec {picture_input}>&-
    wait "$picture_pid"
    picture_pid=''
}

# picture_bar LENGTH SIGN: so many of them, in $REPLY.
picture_bar() {
    printf -v REPLY '%*s' "$1" ''
    REPLY=${REPLY// /$2}
}

# picture_line NAME MEMORY-MIB: draws the bar of a guest; $peaks[NAME] is the most that it held.
picture_line() {
    local held width=$((COLUMNS - 32)) full back line number
    held=$(($(guest_footprint "$1") / 1048576))
    ((held <= ${peaks[$1]:-0})) || peaks[$1]=$held
    full=$((held * width / $2))
    back=$((peaks[$1] * width / $2 - full))
    picture_bar "$full" "${signs[0]}"
    line=$held_colour$REPLY
    picture_bar "$back" "${signs[1]}"
    line+=$back_colour$REPLY
    picture_bar $((width - full - back)) "${signs[2]}"
    line+=$plain_colour$REPLY
    number="$held of $2 MiB"
    printf '\033[K  %-6s%s %20s\n' "$1" "$line" "$number"
}

# The process that draws: lines to say and captions on standard input, until it ends.
picture_draw() {
    local line caption='' drawn=0 rows=$(($# / 2 + 2)) status
    local signs=('#' '-' '.') held_colour='' back_colour='' plain_colour=''
    local -A peaks=()
    [[ ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} != *[Uu][Tt][Ff]* ]] || signs=(█ ▒ ·)
    if [[ -z ${NO_COLOR:-} ]]; then
        held_colour=$'\033[36m' back_colour=$'\033[32m' plain_colour=$'\033[0m'
    fi
    trap '' INT # the script ends, and with it our input
    while :; do
        IFS= read -r -t 0.3 line
        status=$?
        ((drawn == 0)) || printf '\033[%dA\r' "$rows"
        drawn=0
        if ((status == 0)); then
            [[ $line == say* ]] && printf '\033[K%s\n' "${line#say }" || caption=${line#now }
        elif ((status < 128)); then
            printf '\033[J'
            return
        fi
        picture_rows "$@"
        drawn=1
    done
}

picture_rows() { # NAME MEMORY-MIB...
    while (($# > 0)); do
        picture_line "$1" "$2" 2>/dev/null
        shift 2
    done
    printf '\033[K        %s%s%s held by the host  %s%s%s given back  %s never held\n' "$held_colour" "${signs[0]}" \
        "$plain_colour" "$back_colour" "${signs[1]}" "$plain_colour" "${signs[2]}"
    printf '\033[K  %.*s\n' "$((COLUMNS - 3))" "$caption"
}
