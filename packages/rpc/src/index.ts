import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  makeGenericClientConstructor,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";

/** grpc-js wants a Buffer; this is one over the same memory. */
const bufferOver = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function codec<D extends DescMessage>(desc: D) {
  return {
    serialize: (message: MessageInitShape<D>): Buffer => bufferOver(toBinary(desc, create(desc, message))),
    deserialize: (bytes: Buffer): MessageShape<D> => fromBinary(desc, bytes),
  };
}

/** The grpc-js definition of a protobuf-es service; requests and responses are protobuf-es messages. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => {
      const input = codec(method.input);
      const output = codec(method.output);
      const definition: MethodDefinition<unknown, unknown> = {
        path: `/${service.typeName}/${method.name}`,
        requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
        responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
        requestSerialize: input.serialize as (value: unknown) => Buffer,
        requestDeserialize: input.deserialize,
        responseSerialize: output.serialize as (value: unknown) => Buffer,
        responseDeserialize: output.deserialize,
        originalName: method.localName,
      };
      return [method.localName, definition];
    }),
  );
}

type Methods<S extends DescService> = S["method"];

/** Server-side handlers of a service. */
export type Handlers<S extends DescService> = {
  [K in keyof Methods<S>]: Methods<S>[K]["methodKind"] extends "bidi_streaming"
    ? handleBidiStreamingCall<MessageShape<Methods<S>[K]["input"]>, MessageInitShape<Methods<S>[K]["output"]>>
    : handleUnaryCall<MessageShape<Methods<S>[K]["input"]>, MessageInitShape<Methods<S>[K]["output"]>>;
};

/** Server side of a bidirectional method. */
export type ServerStream<S extends DescService, K extends keyof Methods<S>> = ServerDuplexStream<
  MessageShape<Methods<S>[K]["input"]>,
  MessageInitShape<Methods<S>[K]["output"]>
>;

/** Client side of a bidirectional method. */
export type ClientStream<S extends DescService, K extends keyof Methods<S>> = ClientDuplexStream<
  MessageInitShape<Methods<S>[K]["input"]>,
  MessageShape<Methods<S>[K]["output"]>
>;

/** Class of clients of a service: `new (clientOf(SessionService))(address, credentials, options)`. */
export function clientOf<S extends DescService>(
  service: S,
): new (...args: ConstructorParameters<typeof Client>) => Client & {
  [K in keyof Methods<S>]: Methods<S>[K]["methodKind"] extends "bidi_streaming"
    ? () => ClientStream<S, K>
    : (...args: unknown[]) => ClientUnaryCall | ClientReadableStream<unknown> | ClientWritableStream<unknown>;
} {
  return makeGenericClientConstructor(serviceDefinition(service), service.typeName) as never;
}
