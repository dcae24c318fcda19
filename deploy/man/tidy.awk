# Takes out what scdoc writes too much: a paragraph that begins where a section or a list does, or ends
# there. One that ends within a list's item begins behind it.
/^\.P$/ { pending = 1; next }
/^\.RE$/ { print; next }
pending && !/^\.(SH|SS|RS)/ && !fresh { print ".P" }
{ pending = 0; fresh = /^\.(SH|SS|TH)/; print }
