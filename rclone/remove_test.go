package main

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/rclone/rclone/backend/memory"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/vfs"
	"github.com/rclone/rclone/vfs/vfscommon"
)

// bucket has an object as soon as it is sent, and answers later: as S3 does, whoever does not wait for the answer.
type bucket struct {
	fs.Fs
	sent   chan string
	answer chan struct{}
	// Instead of removing an object, if it is set.
	removal error
}

type object struct {
	fs.Object
	bucket *bucket
}

func (b *bucket) Put(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
	o, err := b.Fs.Put(ctx, in, src, options...)
	if err != nil {
		return nil, err
	}
	b.sent <- src.Remote()
	select {
	case <-b.answer:
		return &object{o, b}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (o *object) Update(ctx context.Context, in io.Reader, src fs.ObjectInfo, options ...fs.OpenOption) error {
	_, err := o.bucket.Put(ctx, in, src, options...)
	return err
}

func (o *object) Remove(ctx context.Context) error {
	if o.bucket.removal != nil {
		return o.bucket.removal
	}
	return o.Object.Remove(ctx)
}

func (o *object) Fs() fs.Info { return o.bucket }

func (b *bucket) NewObject(ctx context.Context, remote string) (fs.Object, error) {
	o, err := b.Fs.NewObject(ctx, remote)
	if err != nil {
		return nil, err
	}
	return &object{o, b}, nil
}

func mounted(t *testing.T) (*bucket, *vfs.VFS) {
	t.Helper()
	ctx := context.Background()
	if err := config.SetCacheDir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	m, err := memory.NewFs(ctx, "memory", t.Name(), configmap.Simple{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{Fs: m, sent: make(chan string, 10), answer: make(chan struct{})}
	opt := vfscommon.Opt
	opt.CacheMode = vfscommon.CacheModeFull
	opt.WriteBack = fs.Duration(10 * time.Millisecond)
	mount := vfs.New(ctx, b, &opt)
	t.Cleanup(mount.Shutdown)
	return b, mount
}

func write(t *testing.T, mount *vfs.VFS, name string) {
	t.Helper()
	if err := mount.WriteFile(name, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// untilSent returns when the bucket has the next object whose upload is not answered.
func untilSent(t *testing.T, b *bucket) {
	t.Helper()
	select {
	case <-b.sent:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was uploaded within 10 s")
	}
}

func expectGone(t *testing.T, b *bucket, mount *vfs.VFS, name string) {
	t.Helper()
	if o, err := b.NewObject(context.Background(), name); !errors.Is(err, fs.ErrorObjectNotFound) {
		t.Errorf("%s is in the bucket after it was removed: %v, %v", name, o, err)
	}
	if _, err := mount.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is in its folder after it was removed: %v", name, err)
	}
}

// rclone by itself cut the upload, whose object had arrived, and removed none: the file was back with the next listing.
func TestRemoveWhileTheBucketAnswersAnUpload(t *testing.T) {
	b, mount := mounted(t)
	write(t, mount, "file")
	untilSent(t, b)
	time.AfterFunc(100*time.Millisecond, func() { close(b.answer) })
	if err := mount.Remove("file"); err != nil {
		t.Fatal(err)
	}
	expectGone(t, b, mount, "file")
}

func TestRemoveWhileTheBucketDoesNotAnswerAnUpload(t *testing.T) {
	b, mount := mounted(t)
	write(t, mount, "file")
	untilSent(t, b)
	if err := mount.Remove("file"); err != nil {
		t.Fatal(err)
	}
	expectGone(t, b, mount, "file")
}

// A file that waits for its upload costs the bucket no request when it is removed.
func TestRemoveBeforeItsUpload(t *testing.T) {
	b, mount := mounted(t)
	mount.Opt.WriteBack = fs.Duration(time.Hour)
	write(t, mount, "file")
	if err := mount.Remove("file"); err != nil {
		t.Fatal(err)
	}
	expectGone(t, b, mount, "file")
	if len(b.sent) != 0 {
		t.Error("it was uploaded all the same")
	}
}

// rclone by itself took the file out of its folder, and what it had been before was back with the next listing.
func TestRemoveOfWhatIsWrittenAnewWhenTheBucketRefuses(t *testing.T) {
	b, mount := mounted(t)
	close(b.answer)
	write(t, mount, "file")
	untilSent(t, b)
	mount.WaitForWriters(10 * time.Second)
	mount.Opt.WriteBack = fs.Duration(time.Hour)
	write(t, mount, "file")
	b.removal = errors.New("the bucket refuses")
	if err := mount.Remove("file"); err == nil {
		t.Error("it was said to be removed")
	}
	b.removal = nil
	if err := mount.Remove("file"); err != nil {
		t.Fatal(err)
	}
	expectGone(t, b, mount, "file")
}
