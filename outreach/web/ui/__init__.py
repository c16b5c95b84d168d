"""What pages share: their frame, forms, filters, long lists, files and charts."""
