"""Read, Write, Edit, MultiEdit, NotebookEdit."""
