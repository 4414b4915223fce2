"""The tasks, one small file each; `vaezoo.restore.task` says what a task is and finds them by name."""
