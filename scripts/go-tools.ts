import { ensureGoProgram, type GoProgram, locateGoProgram } from '../src/local/go-build.ts';
import { openLocal } from '../src/local/open-local.ts';

const tool = (name: string, module: string, version: string): GoProgram => ({
  name,
  source: { module, version },
  flags: ['-trimpath', '-ldflags', '-s -w'],
});

/**
 * What delivery works with beside Node: each a Go module at one version, which Go's checksum database vouches for, built
 * on first use and kept with the other builds.
 */
const GO_TOOLS = {
  actionlint: tool('actionlint', 'github.com/rhysd/actionlint/cmd/actionlint', 'v1.7.12'),
  cosign: tool('cosign', 'github.com/sigstore/cosign/v2/cmd/cosign', 'v2.6.5'),
  /** The Lua that Argo CD runs its health scripts with. */
  glua: tool('glua', 'github.com/yuin/gopher-lua/cmd/glua', 'v1.1.1'),
  grype: tool('grype', 'github.com/anchore/grype/cmd/grype', 'v0.121.3'),
  kubeconform: tool('kubeconform', 'github.com/yannh/kubeconform/cmd/kubeconform', 'v0.7.0'),
  kustomize: tool('kustomize', 'sigs.k8s.io/kustomize/kustomize/v5', 'v5.8.1'),
  syft: tool('syft', 'github.com/anchore/syft/cmd/syft', 'v1.57.1'),
} as const;
export type GoTool = keyof typeof GO_TOOLS;

/** Where the program lies, and whether it is there already. */
export const locateGoTool = (name: GoTool): Promise<{ readonly path: string; readonly exists: boolean }> => {
  const { env, paths } = openLocal();
  return locateGoProgram(GO_TOOLS[name], paths.cache, env);
};

/** The path of the program, which is built where it is not there yet. Throws where there is no Go, or no module proxy. */
export const goTool = (name: GoTool): Promise<string> => {
  const { env, paths } = openLocal();
  return ensureGoProgram(GO_TOOLS[name], paths.cache, env);
};
