# For arbiter.sh: what each guest may hold of what all of them hold, beside what it holds. Written from
# the rule alone: min-funding revocation, whose tax on idle memory falls on nobody here, since every
# guest uses all that it has. Who has its whole memory wants no more than it holds.
# First file: NAME SHARES FLOOR MEMORY; second: SINCE NAME SIZE FOOTPRINT each second.
# Prints NAME HELD SHARE ERROR-PERCENT.
NR == FNR {
    names[++count] = $1
    weight[$1] = $2
    floor[$1] = $3
    ceiling[$1] = $4
    next
}
$1 >= from && $1 <= to && $4 != "" {
    size[$2] += $3
    held[$2] += $4
    times[$2]++
}

function share_at(name, level, bytes) {
    bytes = weight[name] * level
    if (bytes < floor[name])
        bytes = floor[name]
    return bytes > ceiling[name] ? ceiling[name] : bytes
}

function sum_at(level, i, sum) {
    for (i = 1; i <= count; i++)
        sum += share_at(names[i], level)
    return sum
}

END {
    for (i = 1; i <= count; i++) {
        name = names[i]
        held[name] /= times[name]
        if (size[name] / times[name] == ceiling[name])
            ceiling[name] = held[name]
        budget += held[name]
    }
    high = 2 ^ 40
    for (i = 0; i < 100; i++) {
        middle = (low + high) / 2
        if (sum_at(middle) <= budget)
            low = middle
        else
            high = middle
    }
    for (i = 1; i <= count; i++) {
        name = names[i]
        share = share_at(name, low)
        error = (held[name] - share) * 100 / share
        printf "%s %.0f %.0f %.2f\n", name, held[name], share, error < 0 ? -error : error
    }
}
