"""A site's own choices over the base knowledge, one validated YAML file per tenant."""
