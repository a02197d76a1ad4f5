# The server, the worker and the migrations in one image; PostgreSQL is elsewhere, at DATABASE_URL.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie
ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim


FROM ${NODE_IMAGE} AS graphiql
WORKDIR /build
COPY todo_gql/http/pages/graphiql_page/package.json todo_gql/http/pages/graphiql_page/package-lock.json \
     todo_gql/http/pages/graphiql_page/.npmrc ./
RUN npm ci
COPY todo_gql/http/pages/graphiql_page ./
RUN npm run build


FROM ${PYTHON_IMAGE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /build
# Nothing of this stage but /opt/todo_gql is shipped, so it may have whatever strip is current.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
COPY requirements-build.txt requirements-image.txt ./
ENV PATH=/opt/build/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/build \
 && pip install --no-cache-dir --no-deps --require-hashes --requirement requirements-build.txt \
 && python3 -m venv --without-pip /opt/todo_gql \
 && pip --python /opt/todo_gql/bin/python3 install --no-cache-dir --no-compile --no-deps \
        --only-binary :all: --require-hashes --requirement requirements-image.txt \
 # Wheels come with symbols that no loader needs, a third of their size, and with stubs, sources, tests and
 # pydantic's old version that nobody reads at run time.
 && find /opt/todo_gql -name '*.so*' -type f -exec strip --strip-unneeded {} + \
 && find /opt/todo_gql -type f \
        \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \
           -o -path '*/site-packages/*/tests/*' -o -path '*/site-packages/pydantic/v1/*' \) -delete \
 # Requests to S3 are signed; the descriptions of all services of AWS, and what calls them, are for others.
 && rm -rf /opt/todo_gql/lib/python3*/site-packages/botocore/data \
 # Of the 250 languages that tracebacks might be coloured in, only Python's are.
 && find /opt/todo_gql -path '*/pygments/lexers/*.py' ! -name '_mapping.py' ! -name '__init__.py' \
        ! -name 'python.py' ! -name 'special.py' -delete
COPY pyproject.toml hatch_build.py README.md ./
COPY migrations migrations
COPY todo_gql todo_gql
COPY --from=graphiql /build/dist todo_gql/http/pages/graphiql_page/dist
# There is no git here; without a REVISION the version has a mark of what the sources are.
ARG REVISION
RUN python3 -m hatchling build --target wheel --directory /tmp/wheel \
 && pip --python /opt/todo_gql/bin/python3 install --no-cache-dir --no-compile --no-deps \
        --no-index /tmp/wheel/*.whl \
 # The root file system is read-only, so what a start imports is compiled here, and nothing else.
 && /opt/todo_gql/bin/python3 -BI -c "import sys, todo_gql.cli.main, uvicorn.loops.uvloop, uvicorn.protocols.http.httptools_impl; \
        print(*(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', '')), sep='\n')" \
    | grep '^/opt/todo_gql/.*[.]py$' \
    | python3 -m compileall -q --invalidation-mode unchecked-hash -i - \
 # There is no pip that would uninstall anything by these lists of files.
 && find /opt/todo_gql -path '*.dist-info/RECORD' -delete


FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="todo_gql" \
      org.opencontainers.image.description="A TODO backend that speaks GraphQL over PostgreSQL" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 todo_gql \
 && useradd --uid 10001 --gid 10001 --no-create-home --no-log-init --home-dir /nonexistent \
        --shell /usr/sbin/nologin todo_gql \
 # Where files are stored, if a volume is mounted there that all containers share.
 && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --from=build /opt/todo_gql /opt/todo_gql
ENV PATH=/opt/todo_gql/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
WORKDIR /opt/todo_gql
EXPOSE 8000 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=3)"]
ENTRYPOINT ["todo-gql"]
CMD ["serve"]
