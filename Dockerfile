# The product: one image for the controller, the facade and the node driver. `matrx image build` builds it through the
# Docker Engine and puts beside this file: node (the binary of the npm package `node`), rclone (built from rclone/, whose
# go.sum pins every module by its SHA-256) and dist/ (`make build`).
ARG BASE=debian:12-slim
FROM ${BASE}
# fusermount3 mounts cold storage in the node driver's container.
RUN apt-get update; \
    apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-unsafe-io fuse3; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*; \
    test -x /usr/bin/fusermount3
COPY node rclone /usr/local/bin/
COPY dist/ /opt/matrx/
WORKDIR /opt/matrx
ENV NODE_ENV=production
# The node driver's DaemonSet alone runs as root; everything else as nobody in particular.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/opt/matrx/main.js"]
