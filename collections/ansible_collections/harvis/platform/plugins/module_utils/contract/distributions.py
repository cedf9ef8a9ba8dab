"""Which distribution brings which import where the names differ, and what well-known ones bring along."""

from __future__ import annotations

import re

_NORMAL = re.compile(r"[-_.]+")

# Import name to the distributions that bring it, where the names are not the same.
_IMPORTS = {
    "yaml": "pyyaml",
    "PIL": "pillow pillow-simd",
    "cv2": "opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "dateutil": "python-dateutil",
    "jwt": "pyjwt",
    "jose": "python-jose",
    "multipart": "python-multipart",
    "psycopg2": "psycopg2 psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "confluent_kafka": "confluent-kafka",
    "kafka": "kafka-python kafka-python-ng",
    "grpc": "grpcio",
    "google": "protobuf google-api-core google-auth google-cloud-storage googleapis-common-protos",
    "attr": "attrs",
    "attrs": "attrs",
    "serial": "pyserial",
    "usb": "pyusb",
    "git": "gitpython",
    "github": "pygithub",
    "OpenSSL": "pyopenssl",
    "Crypto": "pycryptodome pycrypto",
    "nacl": "pynacl",
    "zmq": "pyzmq",
    "magic": "python-magic",
    "slugify": "python-slugify",
    "telegram": "python-telegram-bot",
    "discord": "discord-py py-cord",
    "slack_sdk": "slack-sdk",
    "environ": "django-environ",
    "decouple": "python-decouple",
    "rest_framework": "djangorestframework",
    "corsheaders": "django-cors-headers",
    "whisper": "openai-whisper",
    "faiss": "faiss-cpu faiss-gpu faiss-gpu-cu12",
    "fitz": "pymupdf",
    "docx": "python-docx",
    "pptx": "python-pptx",
    "ldap": "python-ldap",
    "Levenshtein": "levenshtein python-levenshtein",
    "ruamel": "ruamel-yaml",
    "pkg_resources": "setuptools",
    "setuptools": "setuptools",
    "_pytest": "pytest",
    "win32api": "pywin32",
    "tensorflow": "tensorflow tensorflow-cpu tensorflow-gpu tf-nightly",
    "onnxruntime": "onnxruntime onnxruntime-gpu",
    "torch": "torch pytorch",
    "chatterbox": "chatterbox-tts",
    "piper": "piper-tts",
    "TTS": "tts coqui-tts",
    "llama_cpp": "llama-cpp-python",
    "pythonjsonlogger": "python-json-logger",
    "prometheus_client": "prometheus-client",
    "opentelemetry": "opentelemetry-api opentelemetry-sdk opentelemetry-distro",
    "azure": "azure-core azure-identity azure-storage-blob",
    "pydantic_settings": "pydantic-settings",
    "pynvml": "nvidia-ml-py pynvml",
    "markdown_it": "markdown-it-py",
}

# What a distribution surely installs besides itself (direct and transitive), so that importing it works by accident.
_BRINGS = {
    "fastapi": (
        "starlette pydantic pydantic-core typing-extensions anyio idna sniffio annotated-types "
        "typing-inspection annotated-doc"
    ),
    "starlette": "anyio idna sniffio typing-extensions",
    "pydantic": "pydantic-core typing-extensions annotated-types typing-inspection",
    "pydantic-settings": "pydantic pydantic-core typing-extensions annotated-types python-dotenv typing-inspection",
    "uvicorn": "click h11",
    "httpx": "httpcore h11 anyio certifi idna sniffio",
    "requests": "urllib3 certifi idna charset-normalizer",
    "pandas": "numpy python-dateutil pytz tzdata six",
    "scikit-learn": "numpy scipy joblib threadpoolctl",
    "scipy": "numpy",
    "qdrant-client": (
        "httpx httpcore h11 h2 hpack hyperframe anyio certifi idna sniffio numpy pydantic "
        "pydantic-core grpcio protobuf portalocker urllib3 typing-extensions annotated-types "
        "typing-inspection"
    ),
    "openai": (
        "httpx httpcore h11 anyio certifi idna sniffio pydantic pydantic-core distro jiter tqdm "
        "typing-extensions annotated-types typing-inspection"
    ),
    "flask": "werkzeug jinja2 markupsafe click itsdangerous blinker",
    "django": "asgiref sqlparse",
    "sqlalchemy": "greenlet typing-extensions",
    "alembic": "sqlalchemy mako markupsafe greenlet typing-extensions",
    "aiohttp": "multidict yarl frozenlist aiosignal attrs async-timeout idna propcache aiohappyeyeballs",
    "boto3": "botocore s3transfer jmespath python-dateutil urllib3 six",
    "celery": (
        "kombu billiard vine click amqp python-dateutil tzdata prompt-toolkit six click-didyoumean "
        "click-plugins click-repl"
    ),
    "jinja2": "markupsafe",
    "structlog": "",
    "numpy": "",
    "redis": "async-timeout",
    "click": "",
    "typer": "click rich shellingham typing-extensions pygments markdown-it-py mdurl",
    "rich": "pygments markdown-it-py mdurl",
    "pyyaml": "",
    "confluent-kafka": "",
    "kafka-python": "",
    "aiokafka": "async-timeout packaging typing-extensions",
    "python-dotenv": "",
    "python-multipart": "",
    "prometheus-client": "",
    "psycopg2-binary": "",
    "psycopg2": "",
    "asyncpg": "async-timeout",
    "pymongo": "dnspython",
    "gunicorn": "packaging",
    "orjson": "",
    "tenacity": "",
    "python-dateutil": "six",
    "pytz": "",
    "tqdm": "",
    "pillow": "",
    "sse-starlette": "starlette anyio idna sniffio",
    "psutil": "",
    "certifi": "",
    "six": "",
    "attrs": "",
    "pyjwt": "",
    "cryptography": "cffi pycparser",
    "ollama": (
        "httpx httpcore h11 anyio certifi idna sniffio pydantic pydantic-core typing-extensions "
        "annotated-types typing-inspection"
    ),
}


def normal(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return _NORMAL.sub("-", name).lower()


def providers(module: str) -> set[str]:
    """Distributions that bring the import ``module``: those known to, and the one of the same name."""
    return {normal(module), *_IMPORTS.get(module, "").split()}


def is_known_import(module: str) -> bool:
    """Whether we know for sure which distributions bring it."""
    return module in _IMPORTS or normal(module) in _BRINGS


def closure(distributions: set[str]) -> tuple[set[str], bool]:
    """What installing these brings in all, and whether every one of them is known well enough to say so."""
    found = set(distributions)
    for name in distributions:
        found.update(_BRINGS.get(name, "").split())
    return found, all(name in _BRINGS for name in distributions)


def may_bring(distribution: str, module: str) -> bool:
    """Whether the names look alike: ``python-foo``, ``foo-py``, ``py-foo``, ``foo-client`` for ``foo``."""
    parts = distribution.split("-")
    plain = normal(module)
    joined = distribution.replace("-", "")
    return (
        plain in parts
        or joined in (f"py{plain}", f"{plain}py", f"python{plain}")
        or distribution.startswith(f"{plain}-")
    )
