package org.ionwise.tests;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.ConceptValidationOptions;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.context.support.LookupCodeRequest;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import java.util.Set;

/** Code systems that only a terminology server has: any of their codes is taken as it is. */
final class CodesElsewhere implements IValidationSupport {
    private final FhirContext fhir;
    private final Set<String> systems;

    CodesElsewhere(FhirContext fhir, Set<String> systems) {
        this.fhir = fhir;
        this.systems = systems;
    }

    @Override
    public FhirContext getFhirContext() {
        return fhir;
    }

    @Override
    public boolean isCodeSystemSupported(ValidationSupportContext context, String system) {
        return systems.contains(system);
    }

    @Override
    public CodeValidationResult validateCode(
            ValidationSupportContext context, ConceptValidationOptions options,
            String system, String code, String display, String valueSet) {
        return systems.contains(system) ? new CodeValidationResult().setCode(code).setDisplay(display) : null;
    }

    @Override
    public LookupCodeResult lookupCode(ValidationSupportContext context, LookupCodeRequest asked) {
        if (!systems.contains(asked.getSystem())) {
            return null;
        }
        LookupCodeResult found = new LookupCodeResult();
        found.setFound(true);
        found.setSearchedForSystem(asked.getSystem());
        found.setSearchedForCode(asked.getCode());
        return found;
    }
}
