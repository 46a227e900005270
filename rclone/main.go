// Command rclone is rclone itself with only the storage and the commands that the node driver mounts cold storage with.
// It exists so that the product's image holds a program built from pinned modules, and a smaller one.
package main

import (
	_ "github.com/rclone/rclone/backend/local" // the cache of a mount
	_ "github.com/rclone/rclone/backend/s3"
	"github.com/rclone/rclone/cmd"
	_ "github.com/rclone/rclone/cmd/mount2" // its fsync reaches the disk; that of cmd/mount does nothing
	_ "github.com/rclone/rclone/cmd/version"
)

func main() { cmd.Main() }
