"""What the transforming plugins share: rules of the form `name:value`, and JSON documents that rules are applied to."""
