"""CODED RECORDS: what formats of hospital systems share once their codes are known: scales, forms, scores, sessions."""
