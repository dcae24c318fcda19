// The Go side of the interoperability tests: Debian's Go ttRPC as server or as client of the Agent
// service. "peer server PATH" serves until its standard input ends; "peer client PATH" checks our
// server and prints "ok". The messages are written by hand: they are few and small.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const service = "vmreclaim.agent.v1.Agent"

type Ping struct {
	Nonce uint64 `protobuf:"varint,1,opt,name=nonce,proto3"`
}

func (m *Ping) Reset()         { *m = Ping{} }
func (m *Ping) String() string { return fmt.Sprint(m.Nonce) }
func (m *Ping) ProtoMessage()  {}

// CompactRequest and ActionResult begin with the same field.
type Action struct {
	ActionID string `protobuf:"bytes,1,opt,name=action_id,proto3"`
}

func (m *Action) Reset()         { *m = Action{} }
func (m *Action) String() string { return m.ActionID }
func (m *Action) ProtoMessage()  {}

type CompactResponse struct {
	Result *Action `protobuf:"bytes,1,opt,name=result,proto3"`
}

func (m *CompactResponse) Reset()         { *m = CompactResponse{} }
func (m *CompactResponse) String() string { return m.Result.String() }
func (m *CompactResponse) ProtoMessage()  {}

func ping(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	var request Ping
	if err := unmarshal(&request); err != nil {
		return nil, err
	}
	return &request, nil
}

// Echoes the text, so that both ways carry a long payload.
func compact(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	var request Action
	if err := unmarshal(&request); err != nil {
		return nil, err
	}
	return &CompactResponse{Result: &request}, nil
}

// Refuses and repeats what the metadata said.
func getInfo(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	user, _ := ttrpc.GetMetadataValue(ctx, "user")
	return nil, status.Errorf(codes.PermissionDenied, "not for %s", user)
}

// Answers only when the caller has given up.
func reclaimCache(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func serve(path string) error {
	server, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	server.Register(service, map[string]ttrpc.Method{
		"Ping":         ping,
		"Compact":      compact,
		"GetInfo":      getInfo,
		"ReclaimCache": reclaimCache,
	})
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return server.Serve(context.Background(), listener)
}

func expect(name string, err error, code codes.Code, text string) error {
	if status.Code(err) != code || (err != nil && !strings.Contains(err.Error(), text)) {
		return fmt.Errorf("%s: got %v, want %v %q", name, err, code, text)
	}
	return nil
}

func checkPings(client *ttrpc.Client) error {
	var group sync.WaitGroup
	errors := make(chan error, 16)
	for i := 0; i < 16; i++ {
		group.Add(1)
		go func(nonce uint64) {
			defer group.Done()
			var response Ping
			err := client.Call(context.Background(), service, "Ping", &Ping{nonce}, &response)
			if err != nil || response.Nonce != nonce {
				errors <- fmt.Errorf("ping %d: %v, got %d", nonce, err, response.Nonce)
			}
		}(uint64(i))
	}
	group.Wait()
	close(errors)
	return <-errors
}

func checkText(client *ttrpc.Client) error {
	var response CompactResponse
	text := strings.Repeat("x", 50000)
	err := client.Call(context.Background(), service, "Compact", &Action{text}, &response)
	if err != nil || response.Result == nil || response.Result.ActionID != text {
		return fmt.Errorf("50 kB both ways: %v", err)
	}
	err = client.Call(context.Background(), service, "Compact",
		&Action{strings.Repeat("x", 70000)}, &response)
	return expect("70 kB", err, codes.ResourceExhausted, "exceed maximum message size of 65536")
}

func checkErrors(client *ttrpc.Client) error {
	var response Ping
	ctx := ttrpc.WithMetadata(context.Background(), ttrpc.MD{"user": []string{"mallory"}})
	err := client.Call(ctx, service, "GetInfo", &Ping{}, &response)
	if err := expect("metadata", err, codes.PermissionDenied, "not for mallory"); err != nil {
		return err
	}
	err = client.Call(ctx, service, "Nothing", &Ping{}, &response)
	if err := expect("method", err, codes.Unimplemented, "method Nothing"); err != nil {
		return err
	}
	err = client.Call(ctx, "demo.X", "Ping", &Ping{}, &response)
	return expect("service", err, codes.Unimplemented, "service demo.X")
}

// The deadline travels: our server ends the call, whatever the client's own clock does.
func checkDeadline(client *ttrpc.Client) error {
	var response Ping
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := client.Call(ctx, service, "ReclaimCache", &Ping{}, &response)
	if err == context.DeadlineExceeded {
		return nil
	}
	return expect("deadline", err, codes.DeadlineExceeded, "deadline exceeded")
}

func check(path string) error {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(connection)
	defer client.Close()
	for _, step := range []func(*ttrpc.Client) error{
		checkPings, checkText, checkErrors, checkDeadline, checkPings} {
		if err := step(client); err != nil {
			return err
		}
	}
	fmt.Println("ok")
	return nil
}

func main() {
	var err error
	if len(os.Args) != 3 {
		err = fmt.Errorf("usage: peer server|client PATH")
	} else if os.Args[1] == "server" {
		err = serve(os.Args[2])
	} else {
		err = check(os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
