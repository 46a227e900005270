// Command kubectl is Kubernetes' own, from its module: a binary without the components of a cluster starts in half
// the time of one that has them.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
)

func main() {
	os.Exit(cli.Run(cmd.NewDefaultKubectlCommand()))
}
