"""The student's side of handing in: look before you leap, pack, and move to a newer version of an
exercise.

origin      what a notebook remembers of how we made it: the base of every comparison
preflight   what would surprise a student about the grade, found before it is handed in
history     what the kernel has run since the file was saved
hand_in     the archive that is handed in, with a manifest
merge       our new version and the student's work in one notebook
update      that merge on disk, after a backup
"""
