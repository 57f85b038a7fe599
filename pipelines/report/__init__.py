"""What people see: marts (and nothing below them) → plain rows → one HTML page, and one screen of text."""
