"""The pages: the only package that handles HTTP; its views call the domain and contain no SQL."""
