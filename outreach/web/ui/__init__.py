"""What pages share: request, bar, errors, forms, filters, long lists, files. It knows no page."""
