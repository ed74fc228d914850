"""The generated pages of docs/: each module writes one kind of page from the knowledge, as Markdown."""
