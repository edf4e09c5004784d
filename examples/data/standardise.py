"""Writes NAME_standardised.csv beside NAME.csv: every column shifted to mean 0 and scaled to
standard deviation 1, except the columns that are labels or responses, which are copied.

    python3 standardise.py      # the standard library is all it needs

The standard deviation divides by the number of rows N, not N - 1. Sums are correctly rounded
(math.fsum), and 17 significant digits are written, which read back to the same double: every
solver that reads the file solves exactly the same problem.
"""

import csv
import math
from pathlib import Path

HERE = Path(__file__).resolve().parent

# File (without .csv) and the columns copied as they are.
FILES = {"breast_cancer": {"diagnosis"}, "wine": {"alcohol", "cultivar"}}


def standardise(column):
    """(x - mean) / deviation, entry by entry."""
    mean = math.fsum(column) / len(column)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in column) / len(column))
    if deviation == 0:
        raise ValueError("a constant column cannot be standardised")
    return [format((x - mean) / deviation, ".17g") for x in column]


def main():
    """Standardises every file of FILES."""
    for name, kept in FILES.items():
        with open(HERE / f"{name}.csv", newline="") as file:
            header, *rows = csv.reader(file)
        columns = list(zip(*rows, strict=True))
        for i, (title, column) in enumerate(zip(header, columns, strict=True)):
            if title not in kept:
                columns[i] = standardise([float(x) for x in column])
        with open(HERE / f"{name}_standardised.csv", "w", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(header)
            out.writerows(zip(*columns, strict=True))


if __name__ == "__main__":
    main()
