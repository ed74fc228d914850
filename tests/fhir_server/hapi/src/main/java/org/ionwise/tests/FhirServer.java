package org.ionwise.tests;

import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import java.net.URL;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/** HAPI's JPA server for FHIR R4, empty, on a free port of loopback; prints its address once it answers. */
public final class FhirServer {
    private FhirServer() {}

    public static void main(String[] none) throws Exception {
        Server jetty = new Server();
        ServerConnector loopback = new ServerConnector(jetty);
        loopback.setHost("127.0.0.1");
        jetty.addConnector(loopback);
        ServletHolder fhir = new ServletHolder(restfulServer(new AnnotationConfigApplicationContext(ServerParts.class)));
        fhir.setInitOrder(0);
        ServletContextHandler root = new ServletContextHandler("/");
        root.addServlet(fhir, "/fhir/*");
        jetty.setHandler(root);
        jetty.start();
        URL address = new URL("http://127.0.0.1:" + loopback.getLocalPort() + "/fhir");
        new URL(address + "/metadata").openStream().close();
        System.out.println(address);
        jetty.join();
    }

    private static RestfulServer restfulServer(AnnotationConfigApplicationContext parts) {
        IFhirSystemDao<?, ?> system = parts.getBean(IFhirSystemDao.class);
        RestfulServer server = new RestfulServer(system.getContext());
        server.registerProviders(parts.getBean(ResourceProviderFactory.class).createProviders());
        server.registerProvider(parts.getBean("mySystemProviderR4"));
        DatabaseBackedPagingProvider pages = parts.getBean(DatabaseBackedPagingProvider.class);
        pages.setMaximumPageSize(200);
        server.setPagingProvider(pages);
        server.setDefaultResponseEncoding(EncodingEnum.JSON);
        return server;
    }
}
