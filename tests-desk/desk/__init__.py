"""What the tests of the desk are made of: programs, a browser, pages, texts."""
