package org.ionwise.tests;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * HAPI's R4 instance validator over every file below a folder: Validate FOLDER SYSTEMS.
 *
 * <p>SYSTEMS is a file with one code system per line whose codes nobody can look up here (LOINC, SNOMED CT); any other
 * system that the validator does not have is an error. Prints `file TAB severity TAB place TAB message` for each error
 * and warning.
 */
public final class Validate {
    private Validate() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        FhirValidator validator = validator(Set.copyOf(Files.readAllLines(Path.of(arguments[1]))));
        for (Path file : filesBelow(folder)) {
            for (SingleValidationMessage found : validator.validateWithResult(Files.readString(file)).getMessages()) {
                if (found.getSeverity().ordinal() >= ResultSeverityEnum.WARNING.ordinal()) {
                    System.out.println(String.join("\t",
                            folder.relativize(file).toString(), found.getSeverity().getCode(),
                            String.valueOf(found.getLocationString()), found.getMessage().replaceAll("\\s+", " ")));
                }
            }
        }
    }

    private static List<Path> filesBelow(Path folder) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static FhirValidator validator(Set<String> systemsElsewhere) {
        FhirContext fhir = FhirContext.forR4();
        FhirInstanceValidator instances = new FhirInstanceValidator(new ValidationSupportChain(
                new DefaultProfileValidationSupport(fhir),
                new CommonCodeSystemsTerminologyService(fhir),
                new CodesElsewhere(fhir, systemsElsewhere),
                new InMemoryTerminologyServerValidationSupport(fhir)));
        instances.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
        instances.setErrorForUnknownProfiles(true);
        return fhir.newValidator().registerValidatorModule(instances);
    }
}
