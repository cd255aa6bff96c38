package logfile

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// DefaultLimit bounds each of the two files that a Writer keeps, in bytes.
const DefaultLimit = 32 << 20

// Writer appends to a log file. A file that would outgrow the limit is set
// aside under its name and ".1", in place of the one set aside before. It is
// safe for concurrent use; each Write stays in one file.
type Writer struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// Open opens the log at path for appending, in files of at most limit bytes.
// Close must follow.
func Open(path string, limit int64) (*Writer, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	w := &Writer{path: path, limit: limit}
	return w, w.open()
}

func (w *Writer) open() error {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w.file, w.size = f, info.Size()
	return nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size > 0 && w.size+int64(len(p)) > w.limit {
		if err := w.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	return n, err
}

func (w *Writer) rotate() error {
	if err := w.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(w.path, w.path+".1"); err != nil {
		return err
	}
	return w.open()
}

// Close closes the file.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.file.Close()
}
