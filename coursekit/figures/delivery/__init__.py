"""The figures of Part II, each drawn and shown with its alt text by one call."""
