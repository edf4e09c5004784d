"""Writes the raw data files of this folder from the copies in the scikit-learn package.

    python3 collect.py          # needs scikit-learn; 1.9.1 was used

The numbers are written as scikit-learn ships them (shortest decimal that reads back to the
same double); only the column order, the header and the coding of the labels are ours, as
README.md in this folder states.
"""

import csv
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_iris, load_wine

HERE = Path(__file__).resolve().parent


def number(value):
    """The shortest decimal for a double; whole numbers without a fraction."""
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)


def write(name, header, rows):
    """Writes one CSV file with Unix line ends."""
    with open(HERE / name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows([[number(value) for value in row] for row in rows])


def breast_cancer():
    """diagnosis (1 = malignant) and 30 measurements; scikit-learn codes malignant as 0."""
    data = load_breast_cancer()
    malignant = list(data.target_names).index("malignant")
    parts = {"mean": "_mean", "error": "_se", "worst": "_worst"}
    header = ["diagnosis"]
    for name in data.feature_names:
        words = name.split()
        part = next(word for word in words if word in parts)
        words.remove(part)
        header.append("_".join(words) + parts[part])
    rows = [[int(label == malignant), *row] for label, row in zip(data.target, data.data)]
    write("breast_cancer.csv", header, rows)


def wine():
    """alcohol (the response of the ridge example), 12 other measurements, the cultivar 0, 1, 2."""
    data = load_wine()
    names = [name.replace("od280/od315_of_diluted_wines", "od280_od315") for name in data.feature_names]
    rows = [[*row, label] for label, row in zip(data.target, data.data)]
    write("wine.csv", [*names, "cultivar"], rows)


def iris():
    """Four lengths in centimetres and the species 0, 1, 2."""
    data = load_iris()
    names = [name.replace(" (cm)", "_cm").replace(" ", "_") for name in data.feature_names]
    rows = [[*row, label] for label, row in zip(data.target, data.data)]
    write("iris.csv", [*names, "species"], rows)


if __name__ == "__main__":
    breast_cancer()
    wine()
    iris()
