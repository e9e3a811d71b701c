"""Makes the tables of tests/parquet: `python make_parquet.py` with pyarrow and pandas.

The rows are the same in all of them; photo_*.jpg are not made, tests put them beside a copy.
"""

import pathlib

import pandas
import pyarrow
import pyarrow.parquet

HERE = pathlib.Path(__file__).parent / "parquet"

COLUMNS = {
    "image": ["photo_1.jpg", "photo_2.jpg", "photo_3.jpg"],
    "label": ["cat", " dog ", None],
    "tags": [["wet", "small"], [], ["old"]],
    "count": [1, 2, 3],
    "price": [0.1, 2.0, float("nan")],
    "sold": [True, False, None],
}


def write(name, table, **options):
    pyarrow.parquet.write_table(table, HERE / name, **options)


def main():
    HERE.mkdir(exist_ok=True)
    table = pyarrow.table(COLUMNS)
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"]:
        write(f"{codec}.parquet", table, compression=codec)
    write("row_groups.parquet", table, row_group_size=1, use_dictionary=False)

    # As pandas writes it: an index column, categories as a dictionary, 32-bit numbers.
    frame = pandas.DataFrame({
        "image": COLUMNS["image"],
        "label": pandas.Categorical(["cat", "dog", "cat"]),
        "price": pandas.array([0.1, 2.0, 3.5], dtype="float32"),
    }, index=[10, 20, 30])
    frame.to_parquet(HERE / "pandas.parquet")

    # As a data set hub stores it: pictures inside the table.
    pictures = [{"bytes": b"\xff\xd8\xff", "path": name} for name in COLUMNS["image"]]
    write("pictures.parquet", pyarrow.table({"image": pictures, "label": [0, 1, 0]}))


if __name__ == "__main__":
    main()
