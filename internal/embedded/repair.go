package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// repair makes a kfake data directory fit to be opened after kill -9, where
// kfake itself does not:
//
//   - It skips a torn entry at the end of groups.log and pids.log but appends
//     after it, so that the start after next reads nothing newer. The torn
//     tail is cut off.
//   - It prefers the broker configuration on disk to the one it is given. The
//     file is removed, so that the program's own applies.
//
// Segments need nothing: kfake truncates them itself.
func repair(dir string, logger *slog.Logger) error {
	for _, name := range []string{"groups.log", "pids.log"} {
		cut, err := cutTornTail(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("repair %s: %w", name, err)
		}
		if cut > 0 {
			logger.Warn("torn tail removed", "file", name, "bytes", cut)
		}
	}
	err := os.Remove(filepath.Join(dir, "broker_configs.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// cutTornTail truncates the log after its last whole entry and returns how
// many bytes went; a missing file is whole.
func cutTornTail(path string) (cut int64, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	whole := wholeEntries(raw)
	if whole == len(raw) {
		return 0, nil
	}
	return int64(len(raw) - whole), os.Truncate(path, int64(whole))
}

// wholeEntries returns the length of the valid prefix of a kfake append log.
// An entry is length (u32 LE, of version and data), CRC-32C of both (u32 LE),
// version (u16), data.
func wholeEntries(raw []byte) int {
	const prefix, least = 8, 2
	table := crc32.MakeTable(crc32.Castagnoli)
	pos := 0
	for pos+prefix <= len(raw) {
		length := int(binary.LittleEndian.Uint32(raw[pos:]))
		end := pos + prefix + length
		if length < least || end > len(raw) {
			break
		}
		if crc32.Checksum(raw[pos+prefix:end], table) != binary.LittleEndian.Uint32(raw[pos+4:]) {
			break
		}
		pos = end
	}
	return pos
}
