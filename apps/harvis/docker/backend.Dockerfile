# The back end. BASE needs Python 3.12 or newer; what else is missing on it (venv, uv, the user) is added or done without.
# For CUDA, BASE may be any such image: the CUDA libraries come with torch, the driver comes from the host.
ARG BASE

FROM ${BASE} AS runtime
# debian: torch for the CUDA diagnostics, CPU build (about 1 GB). none: the diagnostics say that torch is not there.
ARG TORCH=none
RUN set -eu; \
    packages=""; \
    python3 -c "import ensurepip, venv" 2>/dev/null || packages="python3 python3-venv"; \
    if [ "${TORCH}" = debian ]; then packages="${packages} python3-torch"; fi; \
    if [ -n "${packages}" ]; then \
        apt-get update; \
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ${packages}; \
        apt-get clean; \
        rm -rf /var/lib/apt/lists/*; \
    fi; \
    getent group 10001 >/dev/null || groupadd --gid 10001 harvis; \
    getent passwd 10001 >/dev/null || useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin harvis

FROM runtime AS dependencies
ARG TORCH=none
# cpu: Piper. cuda: Chatterbox as well, with a torch that brings CUDA (gigabytes).
ARG SPEECH=cpu
COPY python_back_end/requirements.txt python_back_end/requirements-cuda.txt /tmp/requirements/
RUN --mount=type=secret,id=ca,required=false --mount=type=secret,id=pip,required=false \
    --mount=type=cache,target=/root/.cache \
    set -eu; \
    if [ -s /run/secrets/ca ]; then \
        export PIP_CERT=/run/secrets/ca SSL_CERT_FILE=/run/secrets/ca REQUESTS_CA_BUNDLE=/run/secrets/ca; \
    fi; \
    if [ -s /run/secrets/pip ]; then export PIP_CONFIG_FILE=/run/secrets/pip; fi; \
    case "${SPEECH}" in \
        cpu) requirements=/tmp/requirements/requirements.txt ;; \
        cuda) requirements=/tmp/requirements/requirements-cuda.txt ;; \
        *) echo "SPEECH is ${SPEECH}: give cpu or cuda" >&2; exit 64 ;; \
    esac; \
    case "${TORCH}" in \
        none) python3 -m venv /opt/venv ;; \
        debian) python3 -m venv --system-site-packages /opt/venv ;; \
        *) echo "TORCH is ${TORCH}: give none or debian" >&2; exit 64 ;; \
    esac; \
    # uv reads no pip.conf: with one, and on a base without uv, pip does the same work.
    if command -v uv >/dev/null && [ ! -s /run/secrets/pip ]; then \
        UV_LINK_MODE=copy uv pip install --python /opt/venv/bin/python --require-hashes --no-deps --only-binary :all: -r "${requirements}"; \
    else \
        /opt/venv/bin/pip install --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r "${requirements}"; \
    fi; \
    # The environment is complete; what installed it is not needed to run.
    rm -rf /opt/venv/lib/python3*/site-packages/pip /opt/venv/lib/python3*/site-packages/pip-*.dist-info \
        /opt/venv/bin/pip*; \
    # Compiled here, since nothing can be written at run time. Unchecked: file times differ between layers.
    /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib

FROM runtime
COPY --from=dependencies /opt/venv /opt/venv
COPY python_back_end /app/python_back_end
# A checkout made under a strict umask has files that only its owner may read.
RUN chmod -R a+rX /app && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app
# The second folder on the path lets `import main` and `import model_manager` work as well.
# HOME is where libraries put caches, and only /tmp can be written.
ENV PATH=/opt/venv/bin:${PATH} \
    PYTHONPATH=/app:/app/python_back_end \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
EXPOSE 8000
CMD ["uvicorn", "python_back_end.main:app", "--host", "0.0.0.0", "--port", "8000"]
