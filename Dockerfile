# The page in a container: `docker build -t deeprnn . && docker run -p 7860:7860 deeprnn`; see docs/deploy.md.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 deeprnn
WORKDIR /home/deeprnn/app

# torch without CUDA: 200 MB to download instead of 2.7 GB.
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt

COPY --chown=deeprnn . .
USER deeprnn

# The machine code is made now, for any x86-64 processor since about 2015, so that no start compiles. On other
# processors: `docker build --build-arg CPU=generic`. It belongs to the times of the package's files, of which an image
# that is pulled keeps whole seconds only.
ARG CPU=x86-64-v3
ENV NUMBA_CPU_NAME=$CPU NUMBA_CACHE_DIR=/home/deeprnn/machine-code MALLOC_ARENA_MAX=2 PYTHONUNBUFFERED=1
RUN find deeprnn -name '*.py' -exec touch --date="@$(date +%s)" {} + && python -m deeprnn warmup

EXPOSE 7860
HEALTHCHECK --start-period=30s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request as r; \
r.urlopen(f'http://127.0.0.1:{os.environ.get(\"GRADIO_SERVER_PORT\") or 7860}/healthz', timeout=4)"]

# SIGTERM, which `docker stop` sends, lets what is being written finish.
CMD ["python", "app.py", "--host", "0.0.0.0"]
