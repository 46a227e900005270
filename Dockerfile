# The product: one image for the controller, the facade and the node driver. `matrx image build` builds it through the
# Docker Engine and puts beside this file: node (the binary of the npm package `node`) and dist/ (`make build`).
ARG BASE=debian:12-slim
FROM ${BASE}
COPY node /usr/local/bin/node
COPY dist/ /opt/matrx/
WORKDIR /opt/matrx
ENV NODE_ENV=production
# The node driver's DaemonSet alone runs as root; everything else as nobody in particular.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/opt/matrx/main.js"]
