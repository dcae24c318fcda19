# Takes out what scdoc writes too much: a paragraph that begins where a section or a list does, or ends there.
/^\.P$/ { pending = 1; next }
pending && !/^\.(SH|SS|RE|RS)/ && !fresh { print ".P" }
{ pending = 0; fresh = /^\.(SH|SS|TH)/; print }
