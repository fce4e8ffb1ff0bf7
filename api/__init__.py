"""The HTTP face of the sale: one request, one CALL, one answer. No rule of the sale lives here."""
