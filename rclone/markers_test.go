package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	fsobject "github.com/rclone/rclone/fs/object"
)

// objects is an S3 of one bucket that counts the requests for each key.
type objects struct {
	lock     sync.Mutex
	stored   map[string][]byte
	requests map[string]int
}

func (o *objects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/bucket/")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	o.requests[r.Method+" "+key]++
	stored, found := o.stored[key]
	w.Header().Set("ETag", `"00000000000000000000000000000000"`)
	w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
	switch r.Method {
	case http.MethodPut:
		o.stored[key] = body
	case http.MethodDelete:
		delete(o.stored, key)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodHead:
		if !found {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(stored)))
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (o *objects) has(key string) bool {
	o.lock.Lock()
	defer o.lock.Unlock()
	_, found := o.stored[key]
	return found
}

func (o *objects) count(request string) int {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.requests[request]
}

func withMarkers(t *testing.T) (*objects, fs.Fs) {
	t.Helper()
	served := &objects{stored: map[string][]byte{}, requests: map[string]int{}}
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	settings := "provider=Other,region=us-east-1,access_key_id=id,secret_access_key=secret,force_path_style=true," +
		"no_check_bucket=true,directory_markers=true,endpoint='" + server.URL + "'"
	f, err := fs.NewFs(context.Background(), ":s3,"+settings+":bucket/user")
	if err != nil {
		t.Fatal(err)
	}
	return served, f
}

func put(t *testing.T, f fs.Fs, name string) {
	t.Helper()
	info := fsobject.NewStaticObjectInfo(name, time.Now(), 7, true, nil, nil)
	if _, err := f.Put(context.Background(), strings.NewReader("content"), info); err != nil {
		t.Fatal(err)
	}
}

func TestUploadsIntoAKnownFolderDoNotAskForItsMarker(t *testing.T) {
	served, f := withMarkers(t)
	if err := f.Mkdir(context.Background(), "folder"); err != nil {
		t.Fatal(err)
	}
	asked := served.count("HEAD user/folder/")
	for _, name := range []string{"folder/one", "folder/two", "folder/three"} {
		put(t, f, name)
	}
	if now := served.count("HEAD user/folder/"); now != asked {
		t.Errorf("the marker was asked for %d times by three uploads", now-asked)
	}
	if made := served.count("PUT user/folder/"); made != 1 {
		t.Errorf("the marker was made %d times", made)
	}
}

func TestAFolderOfAnEarlierMountIsAskedForOnce(t *testing.T) {
	served, f := withMarkers(t)
	served.stored["user/folder/"] = nil
	put(t, f, "folder/one")
	put(t, f, "folder/two")
	if asked := served.count("HEAD user/folder/"); asked != 1 {
		t.Errorf("the marker was asked for %d times", asked)
	}
	if made := served.count("PUT user/folder/"); made != 0 {
		t.Errorf("the marker was made %d times", made)
	}
}

func TestAMarkerThatWasRemovedIsMadeAgain(t *testing.T) {
	served, f := withMarkers(t)
	ctx := context.Background()
	for range 2 {
		if err := f.Mkdir(ctx, "parent/folder"); err != nil {
			t.Fatal(err)
		}
		if !served.has("user/parent/folder/") || !served.has("user/parent/") {
			t.Fatal("a folder has no marker")
		}
		if err := f.Rmdir(ctx, "parent/folder"); err != nil {
			t.Fatal(err)
		}
		if err := f.Rmdir(ctx, "parent"); err != nil {
			t.Fatal(err)
		}
	}
	put(t, f, "parent/folder/file")
	if !served.has("user/parent/folder/") || !served.has("user/parent/") {
		t.Error("the folders of a file have no marker")
	}
}
