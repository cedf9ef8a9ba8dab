# One Dockerfile for all workers; WORKER_MODULE says which one an image starts.
# The context needs: common, workers/__init__.py, the worker's own package, docker, requirements.txt.
ARG BASE=harvis.local/python:dev

# The libraries come before the code, so that a change of code reuses their layer.
FROM ${BASE} AS libraries
USER 0
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CONFIG=1 UV_PYTHON_DOWNLOADS=never UV_CACHE_DIR=/var/cache/uv
COPY requirements.txt /tmp/requirements.txt
RUN --mount=type=secret,id=ca,required=false \
    --mount=type=secret,id=pip,required=false \
    --mount=type=bind,source=docker/package_index.py,target=/tmp/package_index.py \
    --mount=type=cache,target=/var/cache/uv \
    eval "$(/usr/bin/python3 /tmp/package_index.py)" \
    && uv venv --quiet --python /usr/bin/python3 /opt/venv \
    && uv pip install --quiet --python /opt/venv/bin/python --require-hashes --only-binary :all: -r /tmp/requirements.txt

FROM ${BASE} AS worker
USER 0
COPY --from=libraries /opt/venv /opt/venv
COPY docker/worker-entrypoint /usr/local/bin/worker-entrypoint
COPY common /app/common
COPY workers /app/workers
# Compiled here, because the root file system is read-only at run time; by hash, because file times differ by checkout.
RUN chmod -R a+rX /app \
    && chmod 0755 /usr/local/bin/worker-entrypoint \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app
ARG WORKER_MODULE=""
ENV WORKER_MODULE=${WORKER_MODULE} \
    PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app:/app/common/utils \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
USER 10001:10001
# A module, a library or a setting that is missing is found here, not in a pod that starts over and over: the worker
# imports all it uses and reads its settings before it looks at its arguments.
RUN if [ -n "${WORKER_MODULE}" ]; then python -m "${WORKER_MODULE}" --help; fi
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/worker-entrypoint"]
