import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.logging.Logger;

/** An app that a user has: a server of the JDK's and requests to it, without a word of telemetry. */
public class App {
    private static final int ROUNDS = 300;
    private static final int NO_BODY = -1;

    public static void main(String[] arguments) throws Exception {
        var log = Logger.getLogger("app");
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/orders", exchange -> {
            log.warning("order " + exchange.getRequestURI().getQuery());
            exchange.sendResponseHeaders(204, NO_BODY);
            exchange.close();
        });
        server.start();
        var client = HttpClient.newHttpClient();
        for (int number = 0; number < ROUNDS; number++) {
            var address = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/orders?" + number);
            client.send(HttpRequest.newBuilder(address).build(), BodyHandlers.discarding());
        }
        server.stop(0);
        System.exit(0);
    }
}
