FROM python:3.12-slim
ARG WORKER_MODULE=workers.vhm_resonance.main
WORKDIR /app
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt
COPY common /app/common
COPY workers /app/workers
ENV WORKER_MODULE=${WORKER_MODULE}
ENV PYTHONPATH=/app:/app/common/utils
USER 10001
CMD python -m "$WORKER_MODULE"
