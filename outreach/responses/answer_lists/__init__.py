"""Lists of answers: a workbook with a row for each school, filled in and sent from the page of a letter."""
