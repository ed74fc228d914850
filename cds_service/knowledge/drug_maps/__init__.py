"""Drug maps: what a product code of a site's own drug file contains, and the importers that write such maps."""
