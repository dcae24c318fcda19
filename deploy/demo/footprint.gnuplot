# What the host holds for each guest, and where the second guest's memory is, over time.
set terminal svg size 1000,760 font "sans,13" background "white"
set output "footprint.svg"
set multiplot layout 2,1
set grid ytics lc rgb "#dddddd"
set key outside right top Left reverse
set tics nomirror
set border 3
set ylabel "MiB"
set lmargin 9
set rmargin 22
set yrange [0:*]
stats "footprint.data" using 1 nooutput
set xrange [STATS_min:STATS_max]
set title "Host footprint"
plot "footprint.data" using 1:2 with lines lw 2.5 lc rgb "#1f77b4" title "one: free, cache", \
     "" using 1:3 with lines lw 2.5 lc rgb "#d62728" title "two: fragmented"
set title "Waterfall of guest two, as the guest and its controller see it"
set xlabel "seconds"
set style fill solid 0.85 noborder
# Stacked by hand: each curve is filled down to zero, largest sum first.
plot "waterfall.data" using 1:($2+$3+$4+$5+$6+$7) with filledcurves x1 lc rgb "#e8e8e8" title "reported", \
     "" using 1:($2+$3+$4+$5+$6) with filledcurves x1 lc rgb "#98df8a" title "reportable", \
     "" using 1:($2+$3+$4+$5) with filledcurves x1 lc rgb "#d62728" title "trapped", \
     "" using 1:($2+$3+$4) with filledcurves x1 lc rgb "#ffbb78" title "per-CPU", \
     "" using 1:($2+$3) with filledcurves x1 lc rgb "#aec7e8" title "cache", \
     "" using 1:2 with filledcurves x1 lc rgb "#1f77b4" title "in use", \
     "footprint.data" using 1:3 with lines lw 2.5 lc rgb "black" title "footprint"
unset multiplot
