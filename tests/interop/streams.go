// The Go side of the streaming tests: Go ttRPC 1.2.4 with the code that its generators make of our
// files. "streams server PATH" serves until its standard input ends; "streams client PATH" checks
// our server and prints "ok". streams.c is the other side.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	agentv1 "vmreclaim/agent/v1"
)

const service = "vmreclaim.agent.v1.Agent"

// ---- server ----

// Sends as many messages as the request's interval says; none is refused.
func watch(ctx context.Context, stream ttrpc.StreamServer) (interface{}, error) {
	var request agentv1.WatchRequest
	if err := stream.RecvMsg(&request); err != nil {
		return nil, err
	}
	if request.IntervalNs == 0 {
		return nil, status.Error(codes.FailedPrecondition, "not now")
	}
	for i := uint64(1); i <= request.IntervalNs; i++ {
		if err := stream.SendMsg(&agentv1.WatchResponse{Sequence: i}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// Counts the messages and adds up their bytes.
func reclaimCache(ctx context.Context, stream ttrpc.StreamServer) (interface{}, error) {
	result := &agentv1.ActionResult{}
	for {
		var request agentv1.ReclaimCacheRequest
		if err := stream.RecvMsg(&request); err == io.EOF {
			return &agentv1.ReclaimCacheResponse{Result: result}, nil
		} else if err != nil {
			return nil, err
		}
		result.FreeBefore++
		result.FreeAfter += request.Bytes
	}
}

// Answers each request with a range that begins there.
func listFreeRanges(ctx context.Context, stream ttrpc.StreamServer) (interface{}, error) {
	for {
		var request agentv1.ListFreeRangesRequest
		if err := stream.RecvMsg(&request); err == io.EOF {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		response := &agentv1.ListFreeRangesResponse{Ranges: []*agentv1.Range{{Start: request.Start}}}
		if err := stream.SendMsg(response); err != nil {
			return nil, err
		}
	}
}

func serve(path string) error {
	server, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	server.RegisterService(service, &ttrpc.ServiceDesc{
		Streams: map[string]ttrpc.Stream{
			"Watch":          {Handler: watch, StreamingServer: true},
			"ReclaimCache":   {Handler: reclaimCache, StreamingClient: true},
			"ListFreeRanges": {Handler: listFreeRanges, StreamingClient: true, StreamingServer: true},
		},
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

// ---- client ----

func expect(name string, err error, code codes.Code, text string) error {
	if status.Code(err) != code || (err != nil && !strings.Contains(err.Error(), text)) {
		return fmt.Errorf("%s: got %v, want %v %q", name, err, code, text)
	}
	return nil
}

func checkServerStream(connection *ttrpc.Client) error {
	client := agentv1.NewAgentClient(connection)
	stream, err := client.Watch(context.Background(), &agentv1.WatchRequest{IntervalNs: 5})
	if err != nil {
		return err
	}
	for i := uint64(1); i <= 5; i++ {
		message, err := stream.Recv()
		if err != nil || message.Sequence != i {
			return fmt.Errorf("message %d of a stream: %v, %v", i, message, err)
		}
	}
	if _, err := stream.Recv(); err != io.EOF {
		return fmt.Errorf("end of a stream: %v", err)
	}
	stream, err = client.Watch(context.Background(), &agentv1.WatchRequest{})
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return expect("a refused stream", err, codes.FailedPrecondition, "not now")
}

// The first message is empty.
func checkClientStream(connection *ttrpc.Client) error {
	stream, err := connection.NewStream(context.Background(),
		&ttrpc.StreamDesc{StreamingClient: true}, service, "ReclaimCache", nil)
	if err != nil {
		return err
	}
	for _, bytes := range []uint64{0, 7, 3} {
		if err := stream.SendMsg(&agentv1.ReclaimCacheRequest{Bytes: bytes}); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var response agentv1.ReclaimCacheResponse
	err = stream.RecvMsg(&response)
	if err != nil || response.Result.FreeBefore != 3 || response.Result.FreeAfter != 10 {
		return fmt.Errorf("a stream of requests: %v, %v", &response, err)
	}
	return nil
}

func checkBothStream(connection *ttrpc.Client) error {
	stream, err := connection.NewStream(context.Background(),
		&ttrpc.StreamDesc{StreamingClient: true, StreamingServer: true}, service,
		"ListFreeRanges", nil)
	if err != nil {
		return err
	}
	for start := uint64(0); start < 10; start++ {
		var response agentv1.ListFreeRangesResponse
		if err := stream.SendMsg(&agentv1.ListFreeRangesRequest{Start: start}); err != nil {
			return err
		}
		if err := stream.RecvMsg(&response); err != nil || response.Ranges[0].Start != start {
			return fmt.Errorf("both ways, %d: %v, %v", start, &response, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(&agentv1.ListFreeRangesResponse{}); err != io.EOF {
		return fmt.Errorf("end of both ways: %v", err)
	}
	return nil
}

// Nothing on the wire tells that these streams are given up.
func checkForgottenStreams(connection *ttrpc.Client) error {
	client := agentv1.NewAgentClient(connection)
	for i := 0; i < 40; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		stream, err := client.Watch(ctx, &agentv1.WatchRequest{IntervalNs: 1 << 63})
		if err != nil {
			return err
		}
		cancel()
		if _, err := stream.Recv(); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("a cancelled stream: %v", err)
		}
	}
	return checkServerStream(connection)
}

// More answers than our queue holds, all asked for at once.
func checkMany(connection *ttrpc.Client) error {
	var group sync.WaitGroup
	client := agentv1.NewAgentClient(connection)
	failures := make(chan error, 2000)
	for i := 0; i < cap(failures); i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			response, err := client.GetInfo(context.Background(), &agentv1.GetInfoRequest{})
			if err != nil {
				failures <- err
			} else if len(response.KernelRelease) < 1000 {
				failures <- fmt.Errorf("a short answer")
			}
		}()
	}
	group.Wait()
	close(failures)
	return <-failures
}

func checkMetadata(connection *ttrpc.Client) error {
	ctx := ttrpc.WithMetadata(context.Background(), ttrpc.MD{"user": []string{"first", "second"}})
	response, err := agentv1.NewAgentClient(connection).GetInfo(ctx, &agentv1.GetInfoRequest{})
	if err != nil || response.AgentVersion != "first" {
		return fmt.Errorf("metadata: %v, %v", response.GetAgentVersion(), err)
	}
	return nil
}

func check(path string) error {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(connection)
	defer client.Close()
	for _, step := range []func(*ttrpc.Client) error{checkServerStream, checkClientStream,
		checkBothStream, checkMetadata, checkMany, checkForgottenStreams} {
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
		err = fmt.Errorf("usage: streams server|client PATH")
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
