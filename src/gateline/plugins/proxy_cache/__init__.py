"""proxy-cache: answers of services kept, and given again."""
