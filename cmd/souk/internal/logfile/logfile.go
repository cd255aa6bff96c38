// Package logfile keeps the services' log files: bounded while they are written,
// read from their end.
package logfile

import (
	"bytes"
	"io"
	"os"
)

// SeekLastLines positions f at the start of its last n lines. It reads
// backwards, so the size of the file does not matter.
func SeekLastLines(f io.ReadSeeker, n int) error {
	const block = 16 << 10
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || n == 0 {
		return err
	}
	seen, buf := 0, make([]byte, block)
	for pos := end; pos > 0; {
		size := min(block, pos)
		pos -= size
		chunk := buf[:size]
		if _, err := f.Seek(pos, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.ReadFull(f, chunk); err != nil {
			return err
		}
		if pos+size == end {
			chunk = bytes.TrimSuffix(chunk, []byte("\n"))
		}
		for i := len(chunk) - 1; i >= 0; i-- {
			if chunk[i] != '\n' {
				continue
			}
			if seen++; seen == n {
				_, err := f.Seek(pos+int64(i)+1, io.SeekStart)
				return err
			}
		}
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// TailSince returns at most n last lines of the file at path, of what was
// written after offset; "" when nothing was, or the file cannot be read.
func TailSince(path string, offset int64, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || info.Size() <= offset {
		return ""
	}
	added := io.NewSectionReader(f, offset, info.Size()-offset)
	if err := SeekLastLines(added, n); err != nil {
		return ""
	}
	tail, _ := io.ReadAll(added)
	return string(tail)
}
