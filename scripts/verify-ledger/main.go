// Checks the ledger of a Souk with tools that are not Souk's: golang.org/x/mod/sumdb/note for signatures, and
// golang.org/x/mod/sumdb/tlog for roots and proofs.
//
//	verify-ledger -url http://127.0.0.1:8080 -key "$(souk ledger key)" [-token ADMIN] [-export FILE] [-known FILE]
//
// Exit codes: 0 all holds; 1 it could not be checked; 3 something does not hold, which is named.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// wrong is something that does not hold; any other error kept from finding out.
type wrong struct{ what string }

func (w wrong) Error() string { return w.what }

func wrongf(format string, args ...any) error { return wrong{fmt.Sprintf(format, args...)} }

// leaf is one entry of the ledger.
type leaf struct {
	Data          string `json:"data"`
	ID            string `json:"id"`
	Index         string `json:"index"`
	Metadata      string `json:"metadata"`
	Position      string `json:"position"`
	SchemaVersion string `json:"schemaVersion"`
	Stream        string `json:"stream"`
	Time          string `json:"time"`
	Type          string `json:"type"`
	Version       string `json:"version"`
}

// opened is what leaves have hashes of, as far as it was told: by an admin's proof, or by a line of `souk ledger export`.
type opened struct {
	Stream       string  `json:"stream"`
	StreamSalt   []byte  `json:"streamSalt"`
	Data         *string `json:"data"`
	DataSalt     []byte  `json:"dataSalt"`
	Metadata     *string `json:"metadata"`
	MetadataSalt []byte  `json:"metadataSalt"`
}

// proof is what /api/v1/events/{position}/proof answers.
type proof struct {
	Index          int64    `json:"index"`
	Leaf           []byte   `json:"leaf"`
	TreeSize       int64    `json:"treeSize"`
	Checkpoint     string   `json:"checkpoint"`
	InclusionProof [][]byte `json:"inclusionProof"`
	opened
}

type souk struct {
	url, token string
	client     *http.Client
	verifier   note.Verifier
	// Checkpoints that were opened before.
	mutex sync.Mutex
	trees map[string]tlog.Tree
}

func (s *souk) get(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", path, answer.Status, body)
	}
	return body, err
}

// open checks a checkpoint: who signed it, whose it is, and that it is one.
func (s *souk) open(signed []byte) (tlog.Tree, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	tree, known := s.trees[string(signed)]
	if known {
		return tree, nil
	}
	opened, err := note.Open(signed, note.VerifierList(s.verifier))
	if err != nil {
		return tree, wrongf("the checkpoint's signature: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != s.verifier.Name() {
		return tree, wrongf("the checkpoint is of another log, or none: %q", opened.Text)
	}
	if _, err := fmt.Sscanf(lines[1], "%d", &tree.N); err != nil || fmt.Sprint(tree.N) != lines[1] {
		return tree, wrongf("the checkpoint's size %q is no number", lines[1])
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	if err != nil {
		return tree, wrongf("the checkpoint's root %q is no hash", lines[2])
	}
	s.trees[string(signed)] = tree
	return tree, nil
}

// Height, ReadTiles and SaveTiles make a souk a tlog.TileReader. Go names a tile tile/8/L/N, C2SP tile/L/N.
func (s *souk) Height() int { return tileHeight }

func (s *souk) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	read := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "/ledger/tile/", 1)
		data, err := s.get(path)
		if err != nil {
			return nil, err
		}
		read[i] = data
	}
	return read, nil
}

func (s *souk) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads every leaf. C2SP names a bundle of them tile/entries/N, and each is behind its length.
func (s *souk) entries(size int64) ([][]byte, error) {
	var entries [][]byte
	for number := int64(0); number<<tileHeight < size; number++ {
		width := min(size-number<<tileHeight, 1<<tileHeight)
		tile := tlog.Tile{H: tileHeight, L: -1, N: number, W: int(width)}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/data/", tileHeight), "/ledger/tile/entries/", 1)
		bundle, err := s.get(path)
		if err != nil {
			return nil, err
		}
		for len(bundle) > 0 {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, wrongf("%s ends in the middle of an entry", path)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if int64(len(entries)) != min(size, (number+1)<<tileHeight) {
			return nil, wrongf("%s has not %d entries", path, width)
		}
	}
	return entries, nil
}

// checkLeaves holds every entry against the hash that the tree has of it, recomputes the root of all of them, and looks for gaps
// in their streams.
func (s *souk) checkLeaves(tree tlog.Tree, entries [][]byte) (tlog.HashReader, error) {
	inTree := tlog.TileHashReader(tree, s)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	next := map[string]int{}
	for first := 0; first < len(entries); first += 1 << tileHeight {
		some := entries[first:min(first+1<<tileHeight, len(entries))]
		indexes := make([]int64, len(some))
		for i := range some {
			indexes[i] = tlog.StoredHashIndex(0, int64(first+i))
		}
		hashes, err := inTree.ReadHashes(indexes)
		if err != nil {
			return nil, wrongf("the tiles around leaf %d do not give the signed root: %v", first, err)
		}
		for i, entry := range some {
			index := int64(first + i)
			if tlog.RecordHash(entry) != hashes[i] {
				return nil, wrongf("entry %d is not the one that is in the tree: %s", index, entry)
			}
			var leaf leaf
			decoder := json.NewDecoder(bytes.NewReader(entry))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&leaf); err != nil || leaf.Index != fmt.Sprint(index) {
				return nil, wrongf("entry %d says that it is another: %s", index, entry)
			}
			// Its fields are in the order of their names and hold texts, so that this is how RFC 8785 writes it.
			if canonical, err := json.Marshal(leaf); err != nil || !bytes.Equal(canonical, entry) {
				return nil, wrongf("entry %d is not canonical: %s", index, entry)
			}
			if leaf.Version != fmt.Sprint(next[leaf.Stream]) {
				return nil, wrongf("the stream %s has a gap: version %d is followed by %s", leaf.Stream, next[leaf.Stream]-1, leaf.Version)
			}
			next[leaf.Stream]++
			more, err := tlog.StoredHashes(index, entry, reader)
			if err != nil {
				return nil, err
			}
			stored = append(stored, more...)
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, wrongf("the entries give the root %v, but %v is signed", root, tree.Hash)
	}
	fmt.Printf("root: recomputed from %d entries, %d streams without gaps\n", tree.N, len(next))
	return reader, nil
}

// checkEvent checks the proof of one event, and its bytes where they were told.
func (s *souk) checkEvent(position int64, entries [][]byte) (told bool, err error) {
	body, err := s.get(fmt.Sprintf("/api/v1/events/%d/proof", position))
	if err != nil {
		return false, err
	}
	var answer proof
	if err := json.Unmarshal(body, &answer); err != nil {
		return false, err
	}
	tree, err := s.open([]byte(answer.Checkpoint))
	if err != nil {
		return false, err
	}
	path := make(tlog.RecordProof, len(answer.InclusionProof))
	for i, hash := range answer.InclusionProof {
		copy(path[i][:], hash)
	}
	var leaf leaf
	if err := json.Unmarshal(answer.Leaf, &leaf); err != nil {
		return false, wrongf("the leaf of the event at position %d: %v", position, err)
	}
	event := leaf.name()
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, answer.Index, tlog.RecordHash(answer.Leaf)); err != nil {
		return false, wrongf("%s is not in the tree: %v", event, err)
	}
	if answer.Index < int64(len(entries)) && !bytes.Equal(answer.Leaf, entries[answer.Index]) {
		return false, wrongf("%s: its leaf is not entry %d", event, answer.Index)
	}
	if leaf.Position != fmt.Sprint(position) {
		return false, wrongf("%s: its leaf says that it is at %s", event, leaf.Position)
	}
	return answer.opened.check(event, leaf)
}

// check holds bytes against the hashes in the leaf.
func (o opened) check(event string, leaf leaf) (opened bool, err error) {
	for _, part := range []struct {
		name, hash string
		bytes      *string
		salt       []byte
	}{{"data", leaf.Data, o.Data, o.DataSalt}, {"metadata", leaf.Metadata, o.Metadata, o.MetadataSalt}} {
		if part.bytes == nil {
			continue
		}
		plain, err := base64.StdEncoding.DecodeString(*part.bytes)
		if err != nil {
			return false, wrongf("%s: its %s is no base64", event, part.name)
		}
		if sum := sha256.Sum256(append(part.salt, plain...)); hex.EncodeToString(sum[:]) != part.hash {
			return false, wrongf("%s: its %s was changed after it was put into the ledger", event, part.name)
		}
		opened = true
	}
	if o.StreamSalt != nil {
		sum := sha256.Sum256(append(o.StreamSalt, o.Stream...))
		category, _, _ := strings.Cut(o.Stream, "-")
		if leaf.Stream != category+"*"+hex.EncodeToString(sum[:16]) {
			return false, wrongf("%s: its stream is not %s", event, o.Stream)
		}
	} else if o.Stream != "" && o.Stream != leaf.Stream {
		return false, wrongf("%s: its stream is not %s", event, o.Stream)
	}
	return opened, nil
}

// checkExport holds every line of an export against the entry of the same event.
func checkExport(file string, entries [][]byte) error {
	export, err := os.Open(file)
	if err != nil {
		return err
	}
	defer export.Close()
	lines := json.NewDecoder(export)
	for index, entry := range entries {
		var leaf leaf
		if err := json.Unmarshal(entry, &leaf); err != nil {
			return err
		}
		var line struct {
			Position int64 `json:"position"`
			opened
		}
		name := leaf.name()
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return wrongf("%s is missing in the export, which ends before it", name)
		} else if err != nil {
			return wrongf("line %d of the export: %v", index+1, err)
		}
		if fmt.Sprint(line.Position) != leaf.Position {
			return wrongf("%s is missing in the export, which has the one at %d instead", name, line.Position)
		}
		if _, err := line.opened.check(name, leaf); err != nil {
			return err
		}
	}
	fmt.Printf("bytes: those of all %d events are those that were put into the ledger\n", len(entries))
	return nil
}

func (l leaf) name() string {
	return fmt.Sprintf("the event at position %s (%s, id %s, version %s of %s)", l.Position, l.Type, l.ID, l.Version, l.Stream)
}

func (s *souk) checkEvents(size int64, entries [][]byte) error {
	positions := make(chan int64)
	var (
		group  sync.WaitGroup
		mutex  sync.Mutex
		first  error
		opened int
	)
	for range 8 {
		group.Go(func() {
			for position := range positions {
				told, err := s.checkEvent(position, entries)
				mutex.Lock()
				if told {
					opened++
				}
				var found wrong
				if err != nil && (first == nil || (errors.As(err, &found) && !errors.As(first, &found))) {
					first = err
				}
				mutex.Unlock()
			}
		})
	}
	// About a thousand of them, the last one always.
	checked, step := 0, max(size/1000, 1)
	for index := size - 1; index >= 0; index -= step {
		var leaf leaf
		var position int64
		if err := json.Unmarshal(entries[index], &leaf); err != nil {
			return err
		}
		if _, err := fmt.Sscan(leaf.Position, &position); err != nil {
			return err
		}
		positions <- position
		checked++
	}
	close(positions)
	group.Wait()
	if first == nil {
		fmt.Printf("inclusion: %d events are in the tree, the bytes of %d of them were told and are those that were put there\n", checked, opened)
	}
	return first
}

// checkConsistency checks that trees of several sizes are the beginning of the signed one.
func (s *souk) checkConsistency(tree tlog.Tree, reader tlog.HashReader, known tlog.Tree) error {
	sizes := []int64{1, 2, 255, 256, 257, tree.N / 3, tree.N - 1, tree.N}
	checked := 0
	for _, from := range append(sizes, known.N) {
		if from < 1 || from > tree.N {
			continue
		}
		old, err := tlog.TreeHash(from, reader)
		if err != nil {
			return err
		}
		if from == known.N && old != known.Hash {
			return wrongf("the tree of %d leaves is not the one that was known: the ledger is forked", from)
		}
		body, err := s.get(fmt.Sprintf("/api/v1/ledger/consistency?from=%d&to=%d", from, tree.N))
		if err != nil {
			return err
		}
		var told struct{ Proof [][]byte }
		if err := json.Unmarshal(body, &told); err != nil {
			return err
		}
		path := make(tlog.TreeProof, len(told.Proof))
		for i, hash := range told.Proof {
			copy(path[i][:], hash)
		}
		if err := tlog.CheckTree(path, tree.N, tree.Hash, from, old); err != nil {
			return wrongf("the tree of %d leaves is not the beginning of the one of %d: %v", from, tree.N, err)
		}
		checked++
	}
	if known.N > tree.N {
		return wrongf("a tree of %d leaves was known, and the newest has %d", known.N, tree.N)
	}
	fmt.Printf("consistency: %d older trees are the beginning of this one\n", checked)
	return nil
}

func run() error {
	url := flag.String("url", "http://127.0.0.1:8080", "where the Souk is")
	key := flag.String("key", "", "what `souk ledger key` prints, from a time when you trusted it")
	token := flag.String("token", "", "an admin's token, to check events' bytes as well")
	export := flag.String("export", "", "what `souk ledger export` wrote, to check the bytes of every event")
	file := flag.String("known", "", "a checkpoint from before; the newest is written into it when all holds")
	flag.Parse()
	verifier, err := note.NewVerifier(*key)
	if err != nil {
		return err
	}
	s := &souk{url: strings.TrimRight(*url, "/"), token: *token, client: &http.Client{}, verifier: verifier, trees: map[string]tlog.Tree{}}
	signed, err := s.get("/ledger/checkpoint")
	if err != nil {
		return err
	}
	tree, err := s.open(signed)
	if err != nil {
		return err
	}
	fmt.Printf("signature: %s signed a tree of %d leaves\n", verifier.Name(), tree.N)
	var known tlog.Tree
	if *file != "" {
		if before, err := os.ReadFile(*file); err == nil {
			if known, err = s.open(before); err != nil {
				return err
			}
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	entries, err := s.entries(tree.N)
	if err != nil {
		return err
	}
	reader, err := s.checkLeaves(tree, entries)
	if err != nil {
		return err
	}
	if err := s.checkConsistency(tree, reader, known); err != nil {
		return err
	}
	if err := s.checkEvents(tree.N, entries); err != nil {
		return err
	}
	if *export != "" {
		if err := checkExport(*export, entries); err != nil {
			return err
		}
	}
	if *file != "" {
		return os.WriteFile(*file, signed, 0o644)
	}
	return nil
}

func main() {
	err := run()
	var found wrong
	switch {
	case errors.As(err, &found):
		fmt.Fprintf(os.Stderr, "verify-ledger: WRONG: %v\n", err)
		os.Exit(3)
	case err != nil:
		fmt.Fprintf(os.Stderr, "verify-ledger: %v\n", err)
		os.Exit(1)
	}
}
