"""What conda, and a Python package index, call the package that a module comes from, for hints.

Most packages are called like their module. The others cannot be told from the name, so the usual ones are listed here;
the names are those of conda-forge.

Standard library only, Python 3.7.
"""

from __future__ import annotations

__all__ = ["PACKAGES", "hint_for_import", "package_of", "pypi_package_of"]

PACKAGES = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "PyQt5": "pyqt",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "git": "gitpython",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.storage": "google-cloud-storage",
    "google.protobuf": "protobuf",
    "graphviz": "python-graphviz",
    "igraph": "python-igraph",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "kafka": "kafka-python",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "osgeo": "gdal",
    "pptx": "python-pptx",
    "pylab": "matplotlib",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "slugify": "python-slugify",
    "tables": "pytables",
    "torch": "pytorch",
    "usb": "pyusb",
    "win32api": "pywin32",
    "xxhash": "python-xxhash",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}


# Where a Python package index has another name than conda-forge.
PYPI_PACKAGES = {
    "PyQt5": "pyqt5",
    "cv2": "opencv-python",
    "graphviz": "graphviz",
    "igraph": "igraph",
    "tables": "tables",
    "torch": "torch",
    "xxhash": "xxhash",
}


def pypi_package_of(module: str) -> str:
    """The package of a module on a Python package index."""
    return PYPI_PACKAGES.get(module.partition(".")[0]) or package_of(module)


def package_of(module: str) -> str:
    """The conda package of a module, which may be dotted; the module's first name where it is none of the known."""
    words = module.split(".")
    known = (".".join(words[:count]) for count in range(len(words), 0, -1))
    return next((PACKAGES[name] for name in known if name in PACKAGES), words[0])


def hint_for_import(module: str, with_pypi: bool = False, with_images: bool = False) -> str:
    """What to do about a module that the flow file imports at its top and some step lacks.

    `with_pypi`, `with_images`: some step has `@pypi`, or `@image`, beside which it can have no other library.
    """
    conda = f'`@conda_base(libraries={{"{package_of(module)}": ""}})`'
    library = f'`@pypi_base(packages={{"{pypi_package_of(module)}": ""}})`' if with_pypi else conda
    images = ", and put it into the images of steps with `@image`" if with_images else ""
    return f"import it inside the steps that use it, or give every step the library: {library}{images}"
