"""Tools of a student: feedback, preflight tests, submission, and updates of an exercise.

origin      exercise, version and digests in a notebook: the base of a merge
preflight   problems that would cost points, found before submission
history     what the kernel has run since the file was saved
submission  the archive that is submitted, with a manifest
merge       three-way merge of a new version and the student's work
update      that merge on disk, after a backup
"""
